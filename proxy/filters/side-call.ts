/** A question to another cluster beside the exchange: with its own record, its own deadline, and an answer of bounded size. */
import type { Clock } from '#system/clock.ts';
import type { Handler } from '../http/filter.ts';
import type { HeaderMap } from '../http/header-map.ts';
import type { HttpRequest } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { DownstreamConnection, StreamInfo } from '../http/stream-info.ts';
import { StreamRecord } from '../http/stream-record.ts';

/** A whole answer. */
export interface SideAnswer {
  readonly status: number;
  readonly headers: HeaderMap;
  readonly body: Buffer;
}

/** How the question is put. timeoutMs: for head and body together, 0 = none. */
export interface SideRoom {
  readonly clock: Clock;
  readonly handle: Handler;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

const NOBODY: DownstreamConnection = { id: 0, local: { address: '0.0.0.0', port: 0 }, remote: { address: '0.0.0.0', port: 0 } };

const recordFor = (stream: StreamInfo | undefined, clock: Clock): StreamRecord =>
  new StreamRecord(stream?.exchangeId ?? 0, stream?.downstream ?? NOBODY, clock.nowMs(), clock.wallTimeMs());

/** Runs `ask` with a record that ends when the time is over or the exchange does, and rejects then at the latest. */
export const withinTime = <T>(
  { clock, timeoutMs }: Pick<SideRoom, 'clock' | 'timeoutMs'>,
  ask: (record: StreamRecord) => Promise<T>,
  stream?: StreamInfo,
): Promise<T> =>
  new Promise((resolve, reject) => {
    const record = recordFor(stream, clock);
    const end = (): void => {
      cancel();
      stream?.signal.removeEventListener('abort', left);
    };
    const giveUp = (error: StreamError): void => {
      end();
      reject(error);
      record.abortWith(error.flag, error.codeDetails);
    };
    const left = (): void => giveUp(new StreamError('DC', { codeDetails: 'downstream_remote_disconnect' }));
    const late = (): void => giveUp(new StreamError('UT', { codeDetails: 'response_timeout' }));
    const cancel = timeoutMs > 0 ? clock.after(timeoutMs, late) : () => {};
    if (stream?.signal.aborted) return left();
    stream?.signal.addEventListener('abort', left, { once: true });
    ask(record).then(resolve, reject).finally(end);
  });

const bodyOf = async (body: HttpRequest['body'], maxBytes: number): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > maxBytes) throw new StreamError('UPE', { codeDetails: 'response_payload_too_large' });
    parts.push(part);
  }
  return Buffer.concat(parts);
};

/** Rejects with StreamError when there is no whole answer in time, or it is bigger than wanted. stream: the exchange that waits, if one does. */
export const sideCall = (room: SideRoom, request: HttpRequest, stream?: StreamInfo): Promise<SideAnswer> =>
  withinTime(
    room,
    async (record) => {
      const { status, headers, body, upgraded } = await room.handle(request, record);
      upgraded?.destroy();
      return { status, headers, body: await bodyOf(body, room.maxBytes) };
    },
    stream,
  );
