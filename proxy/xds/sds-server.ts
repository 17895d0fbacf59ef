/**
 * Secrets for an Envoy on the same machine: SecretDiscoveryService.StreamSecrets over a socket in the file system that only its owner may open.
 * Source: xDS protocol, state of the world; grpc/doc/PROTOCOL-HTTP2.md.
 */
import { chmod, lstat, unlink } from 'node:fs/promises';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { TYPE_URLS } from '#api/kinds.ts';
import { DiscoveryRequest, DiscoveryResponse, Secret } from '#envoy';
import type { Log } from '#system/log.ts';
import { frameMessage, messageReader } from '#system/sockets/grpc-messages.ts';

const METHOD = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets';
const MAX_REQUEST_BYTES = 1024 * 1024;
const MAX_STREAMS = 1000;
const UNIMPLEMENTED = 12;
const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;
/** Read and write for the owner. */
const OWNER_ONLY = 0o600;

/** Name of a workload's own certificate, as in Istio. */
export const OWN_SECRET = 'default';

/** A workload's own certificate as a message. PEM. */
export const ownSecret = ({ certificateChain, privateKey }: { readonly certificateChain: string; readonly privateKey: string }): Secret =>
  Secret.fromPartial({
    name: OWN_SECRET,
    type: {
      $case: 'tlsCertificate',
      value: {
        certificateChain: { specifier: { $case: 'inlineBytes', value: Buffer.from(certificateChain) } },
        privateKey: { specifier: { $case: 'inlineBytes', value: Buffer.from(privateKey) } },
      },
    },
  });

/** Istio's name for the roots that a workload trusts. */
const TRUST_BUNDLE = 'ROOTCA';

/** The roots that a workload trusts, for control planes that leave them to the agent, as istiod does. PEM. */
export const trustBundleSecret = (roots: string): Secret =>
  Secret.fromPartial({
    name: TRUST_BUNDLE,
    type: { $case: 'validationContext', value: { trustedCa: { specifier: { $case: 'inlineBytes', value: Buffer.from(roots) } } } },
  });

interface Served {
  readonly secret: Secret;
  readonly version: string;
}

/** One Envoy's wishes on one stream. */
interface Subscriber {
  readonly stream: ServerHttp2Stream;
  names: readonly string[];
  /** Versions that were sent, by name. */
  sent: ReadonlyMap<string, string>;
  nonce: number;
}

/** LIVING STATE: what is served, and to whom. */
export class SdsServer {
  readonly #log: Log;
  readonly #served = new Map<string, Served>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #server: Http2Server;
  #path = '';
  #version = 0;

  constructor(log: Log) {
    this.#log = log;
    this.#server = createServer({ settings: { maxConcurrentStreams: MAX_STREAMS } });
    this.#server
      .on('session', (session) => {
        this.#sessions.add(session);
        session.on('error', () => session.destroy()).on('close', () => this.#sessions.delete(session));
      })
      .on('stream', (stream: ServerHttp2Stream, headers) => this.#accept(stream, String(headers[':path'])));
  }

  /** Takes the place of a socket that nobody listens on any more. Rejects when the path is something else, or cannot be bound. */
  async listen(path: string): Promise<void> {
    const there = await lstat(path).catch(() => undefined);
    if (there && !there.isSocket()) throw new Error(`${path} is there, and is no socket`);
    if (there) await unlink(path);
    // The file is born with these rights: between binding and chmod anybody could open it.
    const before = process.umask(0o777 & ~OWNER_ONLY);
    try {
      await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(path, resolve));
    } finally {
      process.umask(before);
    }
    await chmod(path, OWNER_ONLY);
    this.#path = path;
  }

  /** Sends it to everybody who asked for it. There is no taking back in SDS: who has the last one keeps it. */
  put(secret: Secret): void {
    this.#served.set(secret.name, { secret, version: String(++this.#version) });
    for (const subscriber of this.#subscribers) this.#send(subscriber);
  }

  /** Who comes from now on waits until there is one again. */
  withdraw(name: string): void {
    this.#served.delete(name);
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#path !== '') await unlink(this.#path).catch(() => {});
  }

  #accept(stream: ServerHttp2Stream, path: string): void {
    stream.on('error', () => stream.destroy());
    if (path !== METHOD) refuse(stream, UNIMPLEMENTED, 'only StreamSecrets is served here');
    else if (this.#subscribers.size >= MAX_STREAMS) refuse(stream, RESOURCE_EXHAUSTED, 'too many streams');
    else this.#serve(stream);
  }

  #serve(stream: ServerHttp2Stream): void {
    const subscriber: Subscriber = { stream, names: [], sent: new Map(), nonce: 0 };
    this.#subscribers.add(subscriber);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    const read = messageReader(MAX_REQUEST_BYTES);
    stream
      .on('data', (chunk: Buffer) => {
        try {
          for (const message of read(chunk)) this.#receive(subscriber, DiscoveryRequest.decode(message));
        } catch (error) {
          this.#log.warn('sds.request-refused', { reason: error instanceof Error ? error.message : String(error) });
          stream.close(INTERNAL);
        }
      })
      .on('end', () => stream.end())
      .on('close', () => this.#subscribers.delete(subscriber));
  }

  #receive(subscriber: Subscriber, request: DiscoveryRequest): void {
    if (request.responseNonce !== '' && request.responseNonce !== String(subscriber.nonce)) return;
    if (request.errorDetail)
      this.#log.warn('sds.secret-refused', { names: request.resourceNames.slice(0, 8), reason: request.errorDetail.message.slice(0, 500) });
    subscriber.names = request.resourceNames.slice(0, MAX_STREAMS);
    if (request.responseNonce === '') subscriber.sent = new Map();
    this.#send(subscriber);
  }

  #send(subscriber: Subscriber): void {
    const known = subscriber.names.flatMap((name) => this.#served.get(name) ?? []);
    const isNews = known.some(({ secret, version }) => subscriber.sent.get(secret.name) !== version);
    if (!isNews || subscriber.stream.destroyed) return;
    subscriber.sent = new Map(known.map(({ secret, version }) => [secret.name, version]));
    const response = DiscoveryResponse.fromPartial({
      typeUrl: TYPE_URLS.sds,
      versionInfo: String(this.#version),
      nonce: String(++subscriber.nonce),
      resources: known.map(({ secret }) => ({ typeUrl: TYPE_URLS.sds, value: Secret.encode(secret).finish() })),
    });
    subscriber.stream.write(frameMessage(DiscoveryResponse.encode(response).finish()));
  }
}

const refuse = (stream: ServerHttp2Stream, code: number, message: string): void => {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(code), 'grpc-message': message },
    { endStream: true },
  );
};
