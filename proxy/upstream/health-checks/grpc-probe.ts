/** Asks `grpc.health.v1.Health/Check`. Source: config.core.v3.HealthCheck.GrpcHealthCheck; grpc/doc/health-checking.md. */
import { refuseUnsupported } from '#api/config-error.ts';
import type { HealthCheck_GrpcHealthCheck } from '#envoy';
import { frameMessage, messageReader } from '#system/sockets/grpc-messages.ts';
import { checkHeaders } from './check-headers.ts';
import { type GrpcAnswer, type GrpcQuestion, type GrpcTransport, grpcOverHttp1, grpcOverHttp2 } from './grpc-transports.ts';
import { failed, PASSED, type Probe, type ProbeRoom, type Verdict } from './probe.ts';

/** What is asked, made before it is asked. */
export interface GrpcProbeRules {
  readonly kind: 'grpc';
  /** Empty: the cluster's name. */
  readonly authority: string;
  readonly headers: readonly string[];
  /** A HealthCheckRequest with its prefix. */
  readonly message: Buffer;
}

const SERVING = 1;
const STATUS_TAG = 0x08;
const SERVICE_TAG = 0x0a;
const MOST_BYTES = 1024;
const OK = '0';

/** A HealthCheckRequest: field 1 is the service's name. */
const requestFor = (service: string): Buffer => {
  const name = Buffer.from(service, 'utf8');
  if (name.length === 0) return frameMessage(name);
  const length: number[] = [];
  for (let rest = name.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return frameMessage(Buffer.concat([Buffer.from([SERVICE_TAG, ...length]), name]));
};

/** Field 1 of a HealthCheckResponse, which is all that one has: 0 when it is not there, -1 for what is none. */
const statusIn = (message: Buffer): number => {
  if (message.length === 0) return 0;
  return message.length === 2 && message[0] === STATUS_TAG ? (message[1] ?? -1) : -1;
};

/** Throws ConfigError with a path relative to the message. */
export const compileGrpcProbe = (config: HealthCheck_GrpcHealthCheck): GrpcProbeRules => {
  refuseUnsupported(config, { read: ['serviceName', 'authority', 'initialMetadata'] });
  return {
    kind: 'grpc',
    authority: config.authority,
    headers: checkHeaders([], { add: config.initialMetadata, addPath: 'initial_metadata', remove: [] }),
    message: requestFor(config.serviceName),
  };
};

/** Milliseconds as gRPC writes them: 8 digits at most. */
const timeoutOf = (ms: number): string => (ms < 1e8 ? `${ms}m` : `${Math.floor(ms / 1000)}S`);

/** LIVING STATE: one connection at a time, for one host. */
export class GrpcProbe implements Probe {
  readonly #room: ProbeRoom;
  readonly #question: GrpcQuestion;
  readonly #transport: GrpcTransport;

  constructor(rules: GrpcProbeRules, room: ProbeRoom) {
    this.#room = room;
    this.#question = {
      authority: room.authority,
      path: '/grpc.health.v1.Health/Check',
      scheme: room.isSecure ? 'https' : 'http',
      headers: [
        'te',
        'trailers',
        'content-type',
        'application/grpc',
        'user-agent',
        'Envoy/HC',
        ...rules.headers,
        'grpc-timeout',
        timeoutOf(room.timeoutMs),
      ],
      message: rules.message,
      maxBytes: MOST_BYTES,
    };
    // HTTP/2 does not travel in a simulated network; messages of the same shape do.
    this.#transport = room.system.network.isSimulated ? grpcOverHttp1(room.dial) : grpcOverHttp2(room.dial);
  }

  async ask(signal: AbortSignal): Promise<Verdict> {
    const answer = await this.#transport.call(this.#question, signal);
    if (!this.#room.reusesConnection) this.close();
    return isServing(answer) ? PASSED : failed();
  }

  close(): void {
    this.#transport.close();
  }
}

const isServing = ({ httpStatus, grpcStatus, body }: GrpcAnswer): boolean => {
  if (httpStatus !== 200 || grpcStatus !== OK) return false;
  try {
    const messages = messageReader(MOST_BYTES)(body);
    return messages.length === 1 && statusIn(messages[0] as Buffer) === SERVING;
  } catch {
    return false;
  }
};
