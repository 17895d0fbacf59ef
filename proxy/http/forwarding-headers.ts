/**
 * What a proxy adds to a request about where it came from, and what it takes away because a client must not say it.
 * Hop-by-hop fields are gone already: the codec takes them out while it parses, before anything is added here.
 * Source: Envoy conn_manager_utility.cc; RFC 9110 §7.6.1.
 */
import { ipFamily } from '#system/ip.ts';
import type { Random } from '#system/random.ts';
import type { TlsFacts } from '#system/tls/tls-facts.ts';
import { removeIn, setIn } from './header-map.ts';
import type { StreamRecord } from './stream-record.ts';

/** How this connection manager stands to its clients. */
export interface ForwardingRules {
  /** True at an edge: the peer's socket address is who the client is. */
  readonly useRemoteAddress: boolean;
  readonly trustedHops: number;
  readonly skipXffAppend: boolean;
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  /** Name of this proxy in `via`; empty = none. */
  readonly via: string;
  readonly clientCert: ClientCertRules;
  /** Clients that may ask things of the router; undefined = nobody. */
  readonly isInternal?: ((address: string) => boolean) | undefined;
}

/** What becomes of `x-forwarded-client-cert`: who the client proved to be, and who said so of clients further away. */
export interface ClientCertRules {
  readonly mode: 'sanitize' | 'forward-only' | 'append-forward' | 'sanitize-set' | 'always-forward-only';
  /** This proxy's own element for a client that showed a certificate. */
  readonly describe: (tls: TlsFacts) => string;
}

/** Parts of an element that are told only where configured; `By` and `Hash` always are. */
export type ClientCertDetail = 'cert' | 'chain' | 'subject' | 'uri' | 'dns';

const quotedPem = (pem: string): string => `"${encodeURIComponent(`${pem.trimEnd()}\n`)}"`;

/** The text is built once a connection. Source: Envoy "x-forwarded-client-cert", and what Envoy 1.40 sends. */
export const clientCertDescription = (details: ReadonlySet<ClientCertDetail>): ClientCertRules['describe'] => {
  const known = new WeakMap<TlsFacts, string>();
  return (tls) => {
    const before = known.get(tls);
    if (before !== undefined) return before;
    const text = describeClient(tls, details);
    known.set(tls, text);
    return text;
  };
};

/** A name may contain anything, a header field may not. */
const printable = (name: string): string => name.replace(/[^\x20-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()));

const describeClient = ({ peer, local, peerChain }: TlsFacts, details: ReadonlySet<ClientCertDetail>): string => {
  if (!peer) return '';
  const parts = (local?.uris ?? []).map((uri) => `By=${printable(uri)}`);
  parts.push(`Hash=${peer.sha256}`);
  if (details.has('cert')) parts.push(`Cert=${quotedPem(peer.pem)}`);
  if (details.has('chain')) parts.push(`Chain=${quotedPem(peerChain?.() ?? peer.pem)}`);
  if (details.has('subject')) parts.push(`Subject="${printable(peer.subject)}"`);
  // Told even of a certificate without any.
  if (details.has('uri')) parts.push(...(peer.uris.length === 0 ? [''] : peer.uris).map((uri) => `URI=${printable(uri)}`));
  if (details.has('dns')) parts.push(...peer.dnsNames.map((name) => `DNS=${printable(name)}`));
  return parts.join(';');
};

type Trust = 'inside' | 'outside';

/** Fields with which only proxies that trust each other may speak; from anybody else they are dropped. */
const INTERNAL = new Set(
  `x-envoy-internal x-envoy-retry-on x-envoy-retry-grpc-on x-envoy-max-retries x-envoy-upstream-rq-timeout-ms
   x-envoy-upstream-rq-per-try-timeout-ms x-envoy-upstream-alt-stat-name x-envoy-upstream-rq-timeout-alt-response x-envoy-expected-rq-timeout-ms
   x-envoy-force-trace x-envoy-ip-tags x-envoy-original-url x-envoy-hedge-on-per-try-timeout x-envoy-retriable-status-codes
   x-envoy-retriable-header-names x-envoy-original-path x-envoy-original-host x-envoy-original-dst-host x-envoy-upstream-stream-duration-ms`.split(
    /\s+/,
  ),
);
const AT_EDGE = [
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-peer-metadata',
  'x-envoy-peer-metadata-id',
];

const dropInternal = (draft: string[]): void => {
  let write = 0;
  for (let read = 0; read < draft.length; read += 2) {
    const name = draft[read] as string;
    if (name.charCodeAt(0) === 120 && name.startsWith('x-envoy-') && INTERNAL.has(name)) continue;
    if (write !== read) {
      draft[write] = name;
      draft[write + 1] = draft[read + 1] as string;
    }
    write += 2;
  }
  draft.length = write;
};

const valueIn = (draft: readonly string[], name: string): string | undefined => {
  for (let i = 0; i < draft.length; i += 2) if (draft[i] === name) return draft[i + 1];
  return undefined;
};

const allIn = (draft: readonly string[], name: string): string => {
  const values: string[] = [];
  for (let i = 0; i < draft.length; i += 2) if (draft[i] === name) values.push(draft[i + 1] as string);
  return values.join(',');
};

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** UUID version 4 from the given chance: not a secret, but the same in every replay of a simulation. */
export const newRequestId = (random: Random): string => {
  const word = () => (random.float() * 0x1_0000_0000) >>> 0;
  const four = (value: number) => `${HEX[value >>> 24]}${HEX[(value >>> 16) & 255]}${HEX[(value >>> 8) & 255]}${HEX[value & 255]}`;
  const a = four(word());
  const b = four(((word() & 0xffff0fff) | 0x4000) >>> 0);
  const c = four(((word() & 0x3fffffff) | 0x80000000) >>> 0);
  return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${four(word())}`;
};

/** Changes the fields in place; writes down the request id and, where trusted proxies tell of another client than the peer, that one. */
export const applyForwarding = (draft: string[], record: StreamRecord, rules: ForwardingRules, random: Random): void => {
  const { remote, tls } = record.downstream;
  const trust = rules.isInternal && comesFromInside(draft, remote.address, rules) ? 'inside' : 'outside';
  if (trust === 'inside') setIn(draft, 'x-envoy-internal', 'true');
  else dropInternal(draft);
  forwardClientCert(draft, tls, rules.clientCert);
  const client = rules.useRemoteAddress ? edgeAddress(draft, remote.address, rules, trust) : hopFromRight(draft, rules.trustedHops + 1);
  if (client !== undefined && client !== remote.address && ipFamily(client) !== 0) {
    record.downstream = { ...record.downstream, remote: { address: client, port: 0 }, direct: remote };
  }
  if (valueIn(draft, 'x-forwarded-proto') === undefined) draft.push('x-forwarded-proto', tls ? 'https' : 'http');
  if (rules.via !== '') appendVia(draft, rules.via);
  record.requestId = requestId(draft, rules, trust, random);
};

/** A client inside is one that no proxy tells of, or that one proxy does, where that is believed. Source: Envoy, "x-forwarded-for". */
const comesFromInside = (draft: readonly string[], peer: string, { isInternal, useRemoteAddress }: ForwardingRules): boolean => {
  const told = valueIn(draft, 'x-forwarded-for') === undefined ? undefined : allIn(draft, 'x-forwarded-for').trim();
  const client = useRemoteAddress === (told === undefined) ? (told ?? peer) : undefined;
  return client !== undefined && ipFamily(client) !== 0 && isInternal?.(client) === true;
};

const CLIENT_CERT = 'x-forwarded-client-cert';

/** Whoever did not prove who they are cannot speak of others, unless all of that is somebody else's business. */
const forwardClientCert = (draft: string[], tls: TlsFacts | undefined, { mode, describe }: ClientCertRules): void => {
  if (mode === 'always-forward-only') return;
  const isProven = tls?.peer !== undefined;
  if (isProven && mode === 'forward-only') return;
  const before = isProven && mode === 'append-forward' ? allIn(draft, CLIENT_CERT) : '';
  removeIn(draft, CLIENT_CERT);
  if (!isProven || mode === 'sanitize' || mode === 'forward-only') return;
  const own = describe(tls);
  draft.push(CLIENT_CERT, before === '' ? own : `${before},${own}`);
};

/** Adds this proxy behind those that the message passed before. */
export const appendVia = (draft: string[], via: string): void => {
  const before = allIn(draft, 'via');
  setIn(draft, 'via', before === '' ? via : `${before}, ${via}`);
};

/** The n-th last address that x-forwarded-for names, counted from 1. */
const hopFromRight = (draft: readonly string[], n: number): string | undefined => {
  if (valueIn(draft, 'x-forwarded-for') === undefined) return undefined;
  return allIn(draft, 'x-forwarded-for').split(',').at(-n)?.trim();
};

/** Who the client is, for a proxy at the edge. */
const edgeAddress = (draft: string[], peer: string, rules: ForwardingRules, trust: Trust): string => {
  if (trust === 'outside') for (const name of [...AT_EDGE, 'x-envoy-external-address']) removeIn(draft, name);
  if (rules.trustedHops === 0) removeIn(draft, 'x-forwarded-proto');
  const told = rules.trustedHops > 0 ? hopFromRight(draft, rules.trustedHops) : undefined;
  const client = told !== undefined && ipFamily(told) !== 0 ? told : peer;
  if (!rules.skipXffAppend) {
    const before = allIn(draft, 'x-forwarded-for');
    setIn(draft, 'x-forwarded-for', before === '' ? peer : `${before},${peer}`);
  }
  if (trust === 'outside') draft.push('x-envoy-external-address', client);
  return client;
};

const requestId = (draft: string[], rules: ForwardingRules, trust: Trust, random: Random): string => {
  const given = valueIn(draft, 'x-request-id');
  const keep =
    given !== undefined &&
    given !== '' &&
    (!rules.useRemoteAddress || trust === 'inside' || rules.preserveExternalRequestId || !rules.generateRequestId);
  if (keep || !rules.generateRequestId) return given ?? '';
  const id = newRequestId(random);
  setIn(draft, 'x-request-id', id);
  return id;
};
