/** Ratings is the legacy service of the four: it still reports its spans with jaeger-client, when JAEGER_ENDPOINT or JAEGER_AGENT_HOST says where to. */
import type { IncomingHttpHeaders } from 'node:http';

interface Span {
  finish(): void;
}

interface Tracer {
  extract(format: string, carrier: unknown): unknown;
  startSpan(name: string, options: { childOf?: unknown }): Span;
}

const SILENT: Span = { finish: () => {} };
const enabled = process.env.JAEGER_ENDPOINT !== undefined || process.env.JAEGER_AGENT_HOST !== undefined;

const createTracer = async (): Promise<Tracer> => {
  const { initTracerFromEnv, ZipkinB3TextMapCodec } = await import('jaeger-client');
  const tracer = initTracerFromEnv({ serviceName: 'ratings', sampler: { type: 'const', param: 1 } }, {});
  tracer.registerExtractor('http_headers', new ZipkinB3TextMapCodec({ urlEncoding: true }));
  return tracer;
};

let tracer: Promise<Tracer> | undefined;

/** The server span of one request, child of whatever B3 headers it carries; does nothing when reporting is off. */
export const startSpan = async (headers: IncomingHttpHeaders): Promise<Span> => {
  if (!enabled) return SILENT;
  tracer ??= createTracer();
  const own = await tracer;
  const parent = own.extract('http_headers', headers);
  return own.startSpan('ratings', parent ? { childOf: parent } : {});
};
