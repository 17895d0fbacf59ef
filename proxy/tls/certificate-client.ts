/**
 * A workload's own certificate: a fresh key for every one, renewed at half of its life, alarms when that fails, nothing left when it is over.
 * The key lives in memory only, and goes nowhere but into TLS contexts.
 */
import type { Cancel } from '#system/clock.ts';
import type { System } from '#system/system.ts';
import type { CertificateSecret } from './secret-store.ts';

/** What is asked of the authority. */
export interface IssueRequest {
  /** PKCS #10, PEM. */
  readonly csr: string;
  readonly lifeSeconds: number;
  /** Who asks already is this; absent before the first, and once that is over. */
  readonly current?: CertificateSecret;
  /** The newest trust that arrived, PEM; absent before any. */
  readonly trustedRoots?: string;
}

/** Gets a certificate: the chain as PEM, leaf first. Rejects with words that may be shown. */
export type IssueCertificate = (request: IssueRequest) => Promise<string>;

/** What the client needs. */
export interface CertificateClientOptions {
  readonly spiffeId: string;
  /** At least 60. */
  readonly lifeSeconds: number;
  readonly issue: IssueCertificate;
  /** The mesh's trust, once it is known. */
  readonly trustedRoots?: () => string | undefined;
  /** Takes each new certificate; undefined: there is none any more. */
  readonly put: (secret: CertificateSecret | undefined) => void;
  readonly system: Pick<System, 'clock' | 'random' | 'log' | 'metrics' | 'tls'>;
}

const SHORTEST_LIFE_SECONDS = 60;
const ATTEMPT_MS = 15_000;
const FIRST_BACKOFF_MS = 1000;
const LONGEST_BACKOFF_MS = 60_000;
/** A computer that slept, and a life that is longer than any timer: time is looked at again at least this often. */
const LOOK_EVERY_MS = 3_600_000;

/** Shares of a life. Renewal falls between 0.45 and 0.55 of it, so that workloads that started together do not ask together. */
const RENEW_AT = 0.5;
const SPREAD = 0.1;
const WARN_AT = 0.5;
const ALARM_AT = 0.8;

interface Held {
  readonly secret: CertificateSecret;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** LIVING STATE: the certificate in force. */
export class CertificateClient {
  readonly #options: CertificateClientOptions;
  readonly #renewals;
  readonly #failures;
  #held: Held | undefined;
  #nextAttemptMs = 0;
  #failed = 0;
  #told: 'nothing' | 'warned' | 'alarmed' = 'nothing';
  #asking = false;
  #closed = false;
  #wake: Cancel = () => {};

  constructor(options: CertificateClientOptions) {
    if (!(options.lifeSeconds >= SHORTEST_LIFE_SECONDS))
      throw new RangeError(`a certificate must live at least ${SHORTEST_LIFE_SECONDS} s, not ${options.lifeSeconds}`);
    this.#options = options;
    const scope = options.system.metrics.scope('identity');
    this.#renewals = scope.counter('certificates_issued');
    this.#failures = scope.counter('certificate_requests_failed');
    scope.computed('certificate_seconds_left', () => Math.max(0, Math.floor(((this.#held?.untilMs ?? 0) - this.#now) / 1000)));
  }

  /** Asks at once. */
  start(): void {
    this.#nextAttemptMs = this.#now;
    this.#look();
  }

  /** Asks for nothing more; what is held stays as it is. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  get #now(): number {
    return this.#options.system.clock.wallTimeMs();
  }

  /** Does what is due, and comes back when the next thing is. */
  #look(): void {
    if (this.#closed) return;
    this.#wake();
    const now = this.#now;
    this.#expire(now);
    this.#warn(now);
    if (!this.#asking && now >= this.#nextAttemptMs) void this.#ask();
    const due = [...this.#marks(), ...(this.#asking ? [] : [this.#nextAttemptMs])].filter((mark) => mark > now);
    const waitMs = Math.min(LOOK_EVERY_MS, ...due.map((mark) => mark - now));
    this.#wake = this.#options.system.clock.after(Math.max(1, Math.ceil(waitMs)), () => this.#look());
  }

  /** Points of this certificate's life at which something may have to be said. */
  #marks(): number[] {
    const held = this.#held;
    if (!held) return [];
    const at = (share: number): number => held.fromMs + share * (held.untilMs - held.fromMs);
    return [at(RENEW_AT * (1 + SPREAD)), at(ALARM_AT), held.untilMs];
  }

  #expire(now: number): void {
    const held = this.#held;
    if (!held || now < held.untilMs) return;
    this.#held = undefined;
    this.#told = 'nothing';
    this.#options.system.log.error('identity.expired', {
      spiffeId: this.#options.spiffeId,
      since: new Date(held.untilMs).toISOString(),
      effect: 'no handshake succeeds until a new certificate comes',
    });
    this.#options.put(undefined);
  }

  /** Only when a renewal was due and has not come. */
  #warn(now: number): void {
    const held = this.#held;
    if (!held || (this.#failed === 0 && !this.#asking)) return;
    const used = (now - held.fromMs) / (held.untilMs - held.fromMs);
    const level =
      used >= ALARM_AT ? 'alarmed' : used >= WARN_AT && (this.#failed > 0 || used >= RENEW_AT * (1 + SPREAD)) ? 'warned' : 'nothing';
    if (level === 'nothing' || level === this.#told || this.#told === 'alarmed') return;
    this.#told = level;
    const tell = level === 'alarmed' ? this.#options.system.log.error : this.#options.system.log.warn;
    tell('identity.renewal-overdue', {
      spiffeId: this.#options.spiffeId,
      usedPercent: Math.floor(used * 100),
      secondsLeft: Math.max(0, Math.floor((held.untilMs - now) / 1000)),
      failures: this.#failed,
    });
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      this.#take(await this.#fetch());
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#asking = false;
      this.#look();
    }
  }

  /** One whole attempt. What comes must be for our name and our key, and in force now. */
  async #fetch(): Promise<Held> {
    const { spiffeId, lifeSeconds, issue, system } = this.#options;
    const { privateKey, csr } = await system.tls.requestFor(spiffeId);
    const current = this.#held?.secret;
    const trustedRoots = this.#options.trustedRoots?.();
    const request = { csr, lifeSeconds, ...(current && { current }), ...(trustedRoots !== undefined && { trustedRoots }) };
    const certificateChain = await inTime(issue(request), system);
    const [leaf] = await system.tls.read(certificateChain);
    if (!leaf) throw new Error('the answer has no certificate');
    if (leaf.uris.length !== 1 || leaf.uris[0] !== spiffeId)
      throw new Error(`the certificate is for ${leaf.uris.join(', ').slice(0, 300) || 'nobody'}, not for ${spiffeId}`);
    const now = this.#now;
    if (leaf.notAfterMs <= now) throw new Error(`the certificate ended at ${new Date(leaf.notAfterMs).toISOString()}, before it came`);
    const secret = { certificateChain, privateKey };
    await system.tls.context(secret, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', cipherSuites: [], alpn: [] });
    return { secret, fromMs: now, untilMs: leaf.notAfterMs };
  }

  #take(held: Held): void {
    if (this.#closed) return;
    const { system, spiffeId, put } = this.#options;
    const life = held.untilMs - held.fromMs;
    const share = RENEW_AT * (1 + SPREAD * (2 * system.random.float() - 1));
    this.#held = held;
    this.#failed = 0;
    this.#told = 'nothing';
    this.#nextAttemptMs = held.fromMs + Math.max(FIRST_BACKOFF_MS, life * share);
    this.#renewals.value++;
    system.log.info('identity.issued', {
      spiffeId,
      until: new Date(held.untilMs).toISOString(),
      renewAt: new Date(this.#nextAttemptMs).toISOString(),
    });
    put(held.secret);
  }

  /** The wait doubles, with jitter, up to a minute or a tenth of the life, whichever is less. */
  #fail(error: unknown): void {
    if (this.#closed) return;
    const { system, spiffeId, lifeSeconds } = this.#options;
    this.#failures.value++;
    const longest = Math.min(LONGEST_BACKOFF_MS, lifeSeconds * 100);
    const ceiling = Math.min(longest, FIRST_BACKOFF_MS * 2 ** Math.min(this.#failed++, 10));
    const waitMs = Math.ceil(ceiling * (0.5 + 0.5 * system.random.float()));
    this.#nextAttemptMs = this.#now + waitMs;
    system.log.warn('identity.request-failed', {
      spiffeId,
      reason: (error instanceof Error ? error.message : String(error)).slice(0, 1000),
      retryInMs: waitMs,
    });
  }
}

/** Nobody is waited for longer than an attempt may take. */
const inTime = async <T>(answer: Promise<T>, { clock }: Pick<System, 'clock'>): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const cancel = clock.after(ATTEMPT_MS, () => late.reject(new Error(`no answer within ${ATTEMPT_MS / 1000} s`)));
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    cancel();
  }
};
