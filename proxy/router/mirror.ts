/** A copy of the request whose answer nobody awaits: one per exchange, whatever becomes of the original. */
import type { Random } from '#system/random.ts';
import type { System } from '#system/system.ts';
import type { HttpFilter } from '../http/filter.ts';
import type { HttpRequest } from '../http/message.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import { StreamError } from '../http/stream-error.ts';
import type { Attempt, StreamInfo } from '../http/stream-info.ts';
import { drain } from './release.ts';
import { replayable } from './replayable-body.ts';
import type { UpstreamSlot } from './upstream-cluster.ts';

/** Where a share of the requests is copied to. */
export interface Mirror {
  readonly slot: UpstreamSlot;
  readonly share: number;
  /** Whether the copy's host says `-shadow`, before its port. */
  readonly shadowSuffix: boolean;
}

/** What mirrors stand on. timeoutMs: how long a copy may take, 0 = for ever. bufferBytes: how far a copy may lag behind its original. */
export interface MirrorRoom {
  readonly system: System;
  readonly random: Random;
  readonly timeoutMs: number;
  readonly bufferBytes: number;
}

const NOTHING = { repicks: 0 } as const;

const shadowHost = (authority: string): string => {
  const port = /:\d+$/.exec(authority)?.[0] ?? '';
  return `${authority.slice(0, authority.length - port.length)}-shadow${port}`;
};

/** The copy has its own record: nothing that happens to it shows in the original's. */
const ownRecord = (stream: StreamInfo, clusterName: string, signal: AbortSignal): StreamInfo => ({
  exchangeId: stream.exchangeId,
  requestId: stream.requestId,
  startedAtMs: stream.startedAtMs,
  startedAtWallMs: stream.startedAtWallMs,
  downstream: stream.downstream,
  signal,
  flags: new Set<ResponseFlag>(),
  attempts: [] as Attempt[],
  codeDetails: '',
  routeName: stream.routeName,
  clusterName,
  upstreamFailure: '',
  metadata: stream.metadata,
  onDone: () => {},
});

const send = async (mirror: Mirror, request: HttpRequest, stream: StreamInfo, { system, timeoutMs }: MirrorRoom): Promise<void> => {
  const cluster = mirror.slot.current;
  if (cluster === undefined) return;
  const controller = new AbortController();
  const expired = () => controller.abort(new StreamError('UT', { codeDetails: 'response_timeout' }));
  const cancel = timeoutMs > 0 ? system.clock.after(timeoutMs, expired) : () => {};
  const copy = mirror.shadowSuffix ? { ...request, authority: shadowHost(request.authority) } : request;
  try {
    const response = await cluster.send(copy, ownRecord(stream, mirror.slot.name, controller.signal), NOTHING);
    cluster.stats.answered.count(response.status);
    await drain(response);
  } catch (error) {
    if (error instanceof StreamError) cluster.stats.answered.count(error.status);
    system.log.debug('router.mirror-failed', { cluster: mirror.slot.name, error: String(error) });
  } finally {
    cancel();
  }
};

/** mirrors: each draws for itself. */
export const mirror =
  (mirrors: readonly Mirror[], room: MirrorRoom): HttpFilter =>
  (request, stream, next) => {
    const chosen = mirrors.filter(({ share }) => room.random.chance(share));
    if (chosen.length === 0) return next(request, stream);
    const body = replayable(request.body, room.bufferBytes);
    const { onInterim: _, upgrade: __, ...plain } = request;
    // The answer is for nobody: failures end inside `send`.
    for (const each of chosen) void send(each, { ...plain, body: body.again() }, stream, room);
    return next({ ...request, body: body.again() }, stream);
  };
