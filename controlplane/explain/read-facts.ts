/** What a proxy recorded of a call → facts. Anybody may have written it: everything is checked and bounded. Pure. */
import type { CallFacts } from '#api/story.ts';

const LONGEST = 4_096;
const MOST = 64;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value.length <= LONGEST ? value : undefined);

const textsOf = (value: unknown): readonly string[] | 'present' | undefined => {
  if (value === 'present') return value;
  return Array.isArray(value) && value.length <= MOST && value.every((item) => textOf(item) !== undefined) ? value : undefined;
};

const claimOf = (value: unknown): unknown => {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  return Array.isArray(value) ? textsOf(value) : textOf(value);
};

const each = <T>(value: unknown, read: (item: unknown) => T | undefined): Readonly<Record<string, T>> | undefined => {
  if (!isFields(value)) return undefined;
  const entries = Object.entries(value)
    .slice(0, MOST)
    .map(([name, item]) => [name, read(item)] as const);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, T] => entry[1] !== undefined));
};

const portOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535 ? value : undefined;

const TEXTS = ['principal', 'sourceIp', 'remoteIp', 'destinationIp', 'serverName', 'method', 'path', 'host', 'details'] as const;

/** Undefined when it is no record of a call. What is not understood in it counts as not recorded. */
export const readFacts = (value: unknown): CallFacts | undefined => {
  if (!isFields(value)) return undefined;
  const [headers, claims, port] = [each(value.headers, textsOf), each(value.claims, claimOf), portOf(value.port)];
  const texts = TEXTS.map((name) => [name, textOf(value[name])] as const).filter(([, text]) => text !== undefined);
  return {
    transport: value.transport === 'tcp' || textOf(value.method) === undefined ? 'tcp' : 'http',
    ...((value.action === 'ALLOW' || value.action === 'DENY') && { refusedBy: value.action }),
    ...Object.fromEntries(texts),
    ...(port !== undefined && { port }),
    ...(headers && { headers }),
    ...(claims && { claims }),
  };
};
