/** One cluster's or listener's handshakes in numbers, under Envoy's names: `ssl.handshake` and those beside it. */
import type { Counter, MetricScope } from '#system/metrics.ts';
import type { TlsFacts } from '#system/tls/tls-facts.ts';

/** LIVING STATE: counters; those of versions and ciphers come with their first handshake, as in Envoy. */
export class HandshakeStats {
  readonly handshakes: Counter;
  readonly resumed: Counter;
  /** Refused for who the peer is, though its chain is good. */
  readonly wrongNames: Counter;
  /** Refused because the peer's chain leads nowhere or is past its time. */
  readonly unverified: Counter;
  /** The peer showed none where one is required. */
  readonly missing: Counter;
  /** Handshakes that ended in another error. */
  readonly broken: Counter;
  /** Done without a certificate of the peer. */
  readonly withoutCertificate: Counter;
  readonly #scope: MetricScope;

  constructor(scope: MetricScope) {
    this.#scope = scope;
    this.handshakes = scope.counter('ssl.handshake');
    this.resumed = scope.counter('ssl.session_reused');
    this.wrongNames = scope.counter('ssl.fail_verify_san');
    this.unverified = scope.counter('ssl.fail_verify_error');
    this.missing = scope.counter('ssl.fail_verify_no_cert');
    this.broken = scope.counter('ssl.connection_error');
    this.withoutCertificate = scope.counter('ssl.no_certificate');
  }

  succeeded(tls: TlsFacts): void {
    this.handshakes.value++;
    if (tls.isResumed) this.resumed.value++;
    if (!tls.peer) this.withoutCertificate.value++;
    this.#scope.counter(`ssl.versions.${tls.version}`).value++;
    this.#scope.counter(`ssl.ciphers.${tls.cipher}`).value++;
  }

  /** words: what the error says. */
  failed(words: string): void {
    if (/: SAN matcher|: verify SAN list/.test(words)) this.wrongNames.value++;
    else if (words.includes('PEER_DID_NOT_RETURN_A_CERTIFICATE')) this.missing.value++;
    else if (words.includes('CERTIFICATE_VERIFY_FAILED')) this.unverified.value++;
    else if (!words.includes('system library')) this.broken.value++;
  }
}
