/** What an authorizer decided, whatever language it speaks, and how that changes a request and its answer. */
import { type HeaderMap, removeIn, setIn } from '../../http/header-map.ts';
import type { HttpRequest } from '../../http/message.ts';

/** One change to fields. `append`: beside those that are there; `join`: behind the first one's value, if there is one. */
export interface FieldChange {
  readonly how: 'set' | 'append' | 'join' | 'add-if-absent' | 'set-if-present';
  readonly name: string;
  readonly value: string;
}

/** How an authorizer's answer reads. Metadata goes to later filters, and to the log. */
export type AuthzVerdict = { readonly metadata?: Readonly<Record<string, unknown>> | undefined } & (
  | {
      readonly kind: 'allowed';
      readonly request: readonly FieldChange[];
      readonly remove: readonly string[];
      readonly response: readonly FieldChange[];
      readonly query?: QueryChange | undefined;
    }
  | { readonly kind: 'denied'; readonly status: number; readonly body: string; readonly headers: readonly FieldChange[] }
  | { readonly kind: 'failed'; readonly reason: string }
);

/** Parameters to set and to drop. */
export interface QueryChange {
  readonly set: readonly (readonly [string, string])[];
  readonly remove: readonly string[];
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^[^\0\r\n]*$/;

/** Whether fields can stand in a message as they are. What routes a request (`host`, pseudo fields) is not an authorizer's to change. */
export const areSafe = (changes: readonly FieldChange[]): boolean =>
  changes.every(
    ({ name, value }) =>
      NAME.test(name) && name !== 'host' && name !== 'content-length' && name !== 'transfer-encoding' && VALUE.test(value),
  );

const apply = (draft: string[], { how, name, value }: FieldChange): void => {
  const at = draft.findIndex((text, index) => index % 2 === 0 && text === name);
  if (how === 'set' || (how === 'set-if-present' && at >= 0)) setIn(draft, name, value);
  else if (how === 'append' || (how === 'add-if-absent' && at < 0)) draft.push(name, value);
  else if (how === 'join' && at >= 0) draft[at + 1] = `${draft[at + 1]},${value}`;
};

/** In their order. */
export const changeFields = (headers: HeaderMap, changes: readonly FieldChange[], remove: readonly string[] = []): HeaderMap => {
  if (changes.length + remove.length === 0) return headers;
  return headers.edit((draft) => {
    for (const change of changes) apply(draft, change);
    for (const name of remove) if (name !== 'host' && !name.startsWith(':')) removeIn(draft, name);
  });
};

const changeQuery = (path: string, { set, remove }: QueryChange): string => {
  const [bare = '', query = ''] = path.split(/\?(.*)/s, 2);
  const gone = new Set([...remove, ...set.map(([name]) => name)]);
  const kept = query.split('&').filter((pair) => pair !== '' && !gone.has(pair.split('=', 1)[0] ?? ''));
  const pairs = [...kept, ...set.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)];
  return pairs.length > 0 ? `${bare}?${pairs.join('&')}` : bare;
};

/** The request as it goes on. */
export const allowedRequest = (request: HttpRequest, verdict: Extract<AuthzVerdict, { kind: 'allowed' }>): HttpRequest => {
  const headers = changeFields(request.headers, verdict.request, verdict.remove);
  const path = verdict.query ? changeQuery(request.path, verdict.query) : request.path;
  return headers === request.headers && path === request.path ? request : { ...request, headers, path };
};

/** Fields of a denial; the same name may come several times (`set-cookie`). */
export const fieldsOf = (changes: readonly FieldChange[]): (readonly [string, string])[] => changes.map(({ name, value }) => [name, value]);
