/** Http2ProtocolOptions message → how this proxy speaks HTTP/2 on one side. Source: config.core.v3.Http2ProtocolOptions. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Duration, HttpConnectionManager } from '#envoy';

type Http2ProtocolOptions = NonNullable<HttpConnectionManager['http2ProtocolOptions']>;

/** Sizes in bytes. */
export interface Http2Options {
  /** Streams that the peer may open at once; of a client: streams that it opens at most on one connection. */
  readonly maxStreams: number;
  readonly streamWindow: number;
  readonly connectionWindow: number;
  readonly tableBytes: number;
  /** Frames in a row without payload and without an end. */
  readonly maxEmptyFrames: number;
  /** For each stream of the peer. */
  readonly maxPriorityFrames: number;
  /** For each frame of data that was sent. */
  readonly maxWindowUpdates: number;
  /** Answers to the peer's own frames that wait because it does not read. */
  readonly maxControlFrames: number;
  readonly keepalive: Keepalive | undefined;
}

/** Asks the peer every so often whether it is there. Milliseconds. */
export interface Keepalive {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** Envoy 1.40's, but for the windows: there a stream may hold 16 MiB, here a slow reader of many streams must not fill the memory. */
export const HTTP2_DEFAULTS: Http2Options = {
  maxStreams: 1024,
  streamWindow: 256 * 1024,
  connectionWindow: 1024 * 1024,
  tableBytes: 4096,
  maxEmptyFrames: 1,
  maxPriorityFrames: 100,
  maxWindowUpdates: 10,
  maxControlFrames: 1000,
  keepalive: undefined,
};

const WINDOW = { least: 65_535, most: 2 ** 31 - 1 };

const inRange = (field: string, value: number | undefined, otherwise: number, range: { readonly least: number; readonly most: number }) => {
  if (value === undefined) return otherwise;
  if (value < range.least || value > range.most) throw new ConfigError(field, `value must be inside range [${range.least}, ${range.most}]`);
  return value;
};

const millis = ({ seconds, nanos }: Duration): number => seconds * 1000 + nanos / 1e6;

type KeepaliveSettings = NonNullable<Http2ProtocolOptions['connectionKeepalive']>;

const compileKeepalive = (settings: KeepaliveSettings): Keepalive | undefined => {
  // Connections begin at their own times: their questions need not be spread.
  refuseUnsupported(settings, { read: ['interval', 'timeout'], ignored: ['intervalJitter'] });
  if (!settings.timeout) throw new ConfigError('timeout', 'value is required');
  for (const field of ['interval', 'timeout'] as const) {
    const duration = settings[field];
    if (duration && millis(duration) < 1) throw new ConfigError(field, 'value must be greater than or equal to 1ms');
  }
  return settings.interval && { intervalMs: millis(settings.interval), timeoutMs: millis(settings.timeout) };
};

/** Throws ConfigError with a path relative to the message; absent: the defaults. */
export const compileHttp2Options = (options: Http2ProtocolOptions | undefined): Http2Options => {
  if (!options) return HTTP2_DEFAULTS;
  refuseUnsupported(options, {
    read: [
      'hpackTableSize',
      'maxConcurrentStreams',
      'initialStreamWindowSize',
      'initialConnectionWindowSize',
      'maxConsecutiveInboundFramesWithEmptyPayload',
      'maxInboundPriorityFramesPerStream',
      'maxInboundWindowUpdateFramesPerDataFrameSent',
      'maxOutboundControlFrames',
      'connectionKeepalive',
    ],
    // Data waits for the peer to read and is never queued in frames.
    ignored: ['maxOutboundFrames'],
  });
  const { connectionKeepalive: keepalive } = options;
  const atLeastOne = { least: 1, most: 2 ** 32 - 1 };
  return {
    maxStreams: inRange('max_concurrent_streams', options.maxConcurrentStreams, HTTP2_DEFAULTS.maxStreams, { least: 1, most: 2 ** 31 - 1 }),
    streamWindow: inRange('initial_stream_window_size', options.initialStreamWindowSize, HTTP2_DEFAULTS.streamWindow, WINDOW),
    connectionWindow: inRange(
      'initial_connection_window_size',
      options.initialConnectionWindowSize,
      HTTP2_DEFAULTS.connectionWindow,
      WINDOW,
    ),
    tableBytes: options.hpackTableSize ?? HTTP2_DEFAULTS.tableBytes,
    maxEmptyFrames: options.maxConsecutiveInboundFramesWithEmptyPayload ?? HTTP2_DEFAULTS.maxEmptyFrames,
    maxPriorityFrames: options.maxInboundPriorityFramesPerStream ?? HTTP2_DEFAULTS.maxPriorityFrames,
    maxWindowUpdates: inRange(
      'max_inbound_window_update_frames_per_data_frame_sent',
      options.maxInboundWindowUpdateFramesPerDataFrameSent,
      HTTP2_DEFAULTS.maxWindowUpdates,
      atLeastOne,
    ),
    maxControlFrames: inRange('max_outbound_control_frames', options.maxOutboundControlFrames, HTTP2_DEFAULTS.maxControlFrames, atLeastOne),
    keepalive: keepalive && inField('connection_keepalive', () => compileKeepalive(keepalive)),
  };
};
