/** One kind of resource on one proxy's stream: what the proxy asked for, was told, and answered. Pure state. */
import type { Kind } from '#api/kinds.ts';
import type { KindSync, SyncState } from '#api/sync.ts';
import type { DiscoveryRequest } from '#envoy';
import { noEndpoints, sameContent, type XdsResource } from './snapshot.ts';

/** A NACK's text is the proxy's; more of it than this helps nobody. */
const LONGEST_REASON = 4096;

/** Resources by name. */
export type Content = ReadonlyMap<string, XdsResource>;

/** One kind's standing. The session changes it; nobody else does. */
export interface Channel {
  readonly kind: Kind;
  /** Undefined: everything there is. */
  names: ReadonlySet<string> | undefined;
  /** Undefined until the proxy first asks for this kind. */
  sent: Content | undefined;
  sentVersion: string;
  nonce: string;
  /** True from a response until its ACK or NACK. */
  waiting: boolean;
  acknowledged: string;
  refused: { readonly version: string; readonly reason: string } | undefined;
  /** Highest configuration version whose content of this kind the proxy has. */
  goodUpTo: number;
  /** Configuration version that the last response stands for; rises while later versions change nothing here. */
  sentUpTo: number;
  /** The next request wants an answer even when it asks for nothing new. */
  owesAnswer: boolean;
}

/** A kind that nobody asked for yet. */
export const newChannel = (kind: Kind): Channel => ({
  kind,
  names: undefined,
  sent: undefined,
  sentVersion: '',
  nonce: '',
  waiting: false,
  acknowledged: '',
  refused: undefined,
  goodUpTo: 0,
  sentUpTo: 0,
  owesAnswer: false,
});

/** Whether a kind is sent whole, so that what is missing in a response is gone. */
export const isWhole = (kind: Kind): boolean => kind === 'cds' || kind === 'lds';

/** Names as a request states them. An empty list means everything for the whole kinds, nothing for the others. Source: xDS protocol, "How the client specifies what resources to return". */
export const readNames = (kind: Kind, names: readonly string[]): ReadonlySet<string> | undefined =>
  isWhole(kind) && (names.length === 0 || names.includes('*')) ? undefined : new Set(names);

/** Takes the names of a request; true when one of them is new. */
export const takeNames = (channel: Channel, names: ReadonlySet<string> | undefined): boolean => {
  const before = channel.names;
  channel.names = names;
  if (names === undefined) return before !== undefined;
  if (channel.sent) channel.sent = new Map([...channel.sent].filter(([name]) => names.has(name)));
  return before !== undefined && [...names].some((name) => !before.has(name));
};

/** Takes the answer to the last response. */
export const takeAnswer = (channel: Channel, errorDetail: DiscoveryRequest['errorDetail']): void => {
  if (!channel.waiting) return;
  channel.waiting = false;
  if (errorDetail) {
    channel.refused = { version: channel.sentVersion, reason: errorDetail.message.slice(0, LONGEST_REASON) };
    return;
  }
  channel.refused = undefined;
  channel.acknowledged = channel.sentVersion;
  channel.goodUpTo = Math.max(channel.goodUpTo, channel.sentUpTo);
};

/** The part of `all` that the proxy asked for. Endpoints that are gone stay as they were sent: their cluster leaves only after the routes that name it. */
export const wanted = ({ kind, names, sent }: Channel, all: Content): Content => {
  if (names === undefined) return all;
  const known: [string, XdsResource][] = [...all].filter(([name]) => names.has(name));
  if (kind !== 'eds') return new Map(known);
  const unknown = [...names].filter((name) => !all.has(name));
  return new Map([...known, ...unknown.map((name): [string, XdsResource] => [name, sent?.get(name) ?? noEndpoints(name)])]);
};

/** Whether `next` has something that the proxy was not told, or was told otherwise. */
export const addsTo = (sent: Content, next: Content): boolean =>
  [...next].some(([name, resource]) => !sameContent(sent.get(name), resource));

/** Whether `next` has something under the same name, but with other content. */
export const replacesIn = (sent: Content, next: Content): boolean =>
  [...next].some(([name, resource]) => sent.has(name) && !sameContent(sent.get(name), resource));

/** Whether the proxy was told of something that `next` lacks. */
export const lacks = (sent: Content, next: Content): boolean => [...sent.keys()].some((name) => !next.has(name));

/** settled: nothing is due. */
export const channelSync = (channel: Channel, settled: boolean): KindSync & { readonly state: SyncState } => ({
  sent: channel.sentVersion,
  acknowledged: channel.acknowledged,
  ...(channel.refused && { refused: channel.refused }),
  resources: channel.sent?.size ?? 0,
  state: stateOf(channel, settled),
});

const stateOf = (channel: Channel, settled: boolean): SyncState => {
  if (channel.sent === undefined) return 'NOT SENT';
  if (channel.refused) return 'ERROR';
  return settled ? 'SYNCED' : 'STALE';
};
