/** The few words of jaeger-client that this service uses; the package ships no types. */
declare module 'jaeger-client' {
  interface Span {
    finish(): void;
  }
  interface Tracer {
    extract(format: string, carrier: unknown): unknown;
    startSpan(name: string, options: { childOf?: unknown }): Span;
    registerExtractor(format: string, codec: ZipkinB3TextMapCodec): void;
  }
  export const initTracerFromEnv: (config: object, options: object) => Tracer;
  export class ZipkinB3TextMapCodec {
    constructor(options: { urlEncoding: boolean });
  }
}
