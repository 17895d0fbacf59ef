/** Connections that no filter chain would have, told to the listener's access log: otherwise nobody would ever read why. Envoy tells served ones there too; here their chains do. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { AccessLog } from '#envoy';
import type { System } from '#system/system.ts';
import type { StreamObserver } from '../http/connection-manager.ts';
import type { DownstreamConnection } from '../http/stream-info.ts';
import { StreamRecord } from '../http/stream-record.ts';

/** Called once for such a connection. */
export type TellRefused = (downstream: DownstreamConnection) => void;

/** What such logs stand on. */
export interface RefusalRooms {
  readonly system: System;
  readonly writers: (logs: readonly AccessLog[]) => readonly StreamObserver[];
  readonly nextExchangeId: () => number;
}

const NOTHING = { status: 0, bytesReceived: 0, bytesSent: 0, durationMs: 0 };

/** Throws ConfigError with the path below the list. Only logs of these connections are taken: those with a filter for the flag NR. */
export const compileRefusals = (logs: readonly AccessLog[], { system, writers, nextExchangeId }: RefusalRooms): TellRefused => {
  for (const [index, { filter }] of logs.entries()) inField(`[${index}]`, () => checkFilter(filter));
  const observers = writers(logs.map((log) => ({ ...log, filter: undefined })));
  return (downstream) => {
    if (observers.length === 0) return;
    const record = new StreamRecord(nextExchangeId(), downstream, system.clock.nowMs(), system.clock.wallTimeMs());
    record.flags.add('NR');
    record.codeDetails = 'filter_chain_not_found';
    record.finishWith(NOTHING);
    for (const observer of observers) observer({ request: undefined, response: undefined, stream: record, end: NOTHING, opaque: true });
  };
};

const checkFilter = (filter: AccessLog['filter']): void => {
  const specifier = filter?.filterSpecifier;
  if (specifier?.$case !== 'responseFlagFilter')
    throw new ConfigError('filter', 'must be a response_flag_filter for NR: served connections are told by the logs of their chains');
  inField('filter.response_flag_filter', () => {
    refuseUnsupported(specifier.value, { read: ['flags'] });
    if (specifier.value.flags.join() !== 'NR') throw new ConfigError('flags', 'only NR is supported by this proxy for a listener');
  });
};
