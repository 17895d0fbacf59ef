/** Header fields that routes add, set and remove. Most specific layer first; within a layer removal comes before addition. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { HeaderValueOption } from '#envoy';
import { removeIn } from '../http/header-map.ts';
import { type HttpRequest, schemeOf } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { asBytes } from '../http/string-match.ts';

/** Changes a draft of fields in place. request: as the edits' formats see it. */
export type HeaderEdit = (draft: string[], request: HttpRequest, stream: StreamInfo) => void;

type Part = (request: HttpRequest, stream: StreamInfo) => string;

/** One level's edits, as route configuration, virtual host, route and weighted cluster all have them. */
export interface EditLayer {
  readonly add: readonly HeaderValueOption[];
  readonly remove: readonly string[];
}

const COMMANDS: Readonly<Record<string, Part>> = {
  DOWNSTREAM_REMOTE_ADDRESS: (_request, { downstream: { remote } }) => `${remote.address}:${remote.port}`,
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (_request, { downstream }) => downstream.remote.address,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: (_request, { downstream }) => (downstream.direct ?? downstream.remote).address,
  DOWNSTREAM_LOCAL_ADDRESS: (_request, { downstream: { local } }) => `${local.address}:${local.port}`,
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (_request, { downstream }) => downstream.local.address,
  DOWNSTREAM_LOCAL_PORT: (_request, { downstream }) => String(downstream.local.port),
  DOWNSTREAM_PEER_URI_SAN: (_request, { downstream }) => downstream.peerIdentity ?? '',
  PROTOCOL: () => 'HTTP/1.1',
  ROUTE_NAME: (_request, { routeName }) => routeName,
  UPSTREAM_CLUSTER: (_request, { clusterName }) => clusterName,
};

const headerCommand = (argument: string, limit: string | undefined): Part => {
  const [first = '', second = ''] = argument.toLowerCase().split('?');
  const read = (request: HttpRequest, name: string): string | undefined => {
    if (name === ':path') return request.path;
    if (name === ':method') return request.method;
    if (name === ':authority' || name === 'host') return request.authority;
    if (name === ':scheme') return schemeOf(request);
    return name === '' ? undefined : request.headers.get(name);
  };
  const length = limit === undefined ? undefined : Number(limit);
  return (request) => (read(request, first) ?? read(request, second) ?? '').slice(0, length);
};

const compileFormat = (format: string): Part => {
  const parts: Part[] = [];
  // %% | %COMMAND% | %COMMAND(argument)% | %COMMAND(argument):limit%
  const pattern = /%%|%([A-Z_]+)(?:\(([^)%]*)\))?(?::(\d+))?%|%/g;
  let last = 0;
  for (const match of format.matchAll(pattern)) {
    const before = format.slice(last, match.index);
    last = match.index + match[0].length;
    if (before !== '') parts.push(() => before);
    const [whole, command, argument, limit] = match;
    if (whole === '%%') parts.push(() => '%');
    else if (command === 'REQ' && argument !== undefined) parts.push(headerCommand(argument, limit));
    else {
      const known = command !== undefined && argument === undefined && Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
      if (!known) throw new ConfigError('header.value', `${JSON.stringify(whole)} is not supported by this proxy`);
      parts.push(known);
    }
  }
  const rest = format.slice(last);
  if (parts.length === 0) return () => rest;
  if (rest !== '') parts.push(() => rest);
  return (request, stream) => parts.map((part) => part(request, stream)).join('');
};

const hasIn = (draft: readonly string[], name: string): boolean => {
  for (let i = 0; i < draft.length; i += 2) if (draft[i] === name) return true;
  return false;
};

const APPEND = 0;
const ADD_IF_ABSENT = 1;
const OVERWRITE = 2;
const OVERWRITE_IF_EXISTS = 3;

/** An overwritten field moves to the end, as in Envoy. */
const place = (draft: string[], name: string, value: string, action: number): void => {
  if (action === ADD_IF_ABSENT && hasIn(draft, name)) return;
  if (action === OVERWRITE_IF_EXISTS && !hasIn(draft, name)) return;
  if (action === OVERWRITE || action === OVERWRITE_IF_EXISTS) removeIn(draft, name);
  draft.push(name, value);
};

const actionOf = (option: HeaderValueOption): number => {
  if (option.append !== undefined) return option.append ? APPEND : OVERWRITE;
  if (option.appendAction > OVERWRITE_IF_EXISTS) throw new ConfigError('append_action', `unknown value ${option.appendAction}`);
  return option.appendAction;
};

/** Host and pseudo fields have their own settings. Source: Envoy, "modifying :-prefixed headers is not allowed". */
const checkName = (name: string, path: string): string => {
  const lower = name.toLowerCase();
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(lower))
    throw new ConfigError(path, `${JSON.stringify(name)} is not a header name that may be changed`);
  if (lower === 'host') throw new ConfigError(path, 'host cannot be changed here: use host_rewrite_literal');
  return lower;
};

const compileAdd = (option: HeaderValueOption): HeaderEdit => {
  refuseUnsupported(option, { read: ['header', 'append', 'appendAction', 'keepEmptyValue'] });
  if (!option.header) throw new ConfigError('header', 'is required');
  const name = checkName(option.header.key, 'header.key');
  if (option.header.rawValue.length > 0) throw new ConfigError('header.raw_value', 'not supported by this proxy');
  if (/[\r\n\0]/.test(option.header.value)) throw new ConfigError('header.value', 'must not contain line breaks');
  const format = compileFormat(asBytes(option.header.value));
  const action = actionOf(option);
  return (draft, request, stream) => {
    const value = format(request, stream);
    if (value !== '' || option.keepEmptyValue) place(draft, name, value, action);
  };
};

/** Whether what is added can be one of the fields that ask something of the router. */
export const asksRouter = (added: readonly HeaderValueOption[]): boolean =>
  added.some(({ header }) => header?.key.toLowerCase().startsWith('x-envoy-') === true);

/** names: proto names of the two fields, for the paths of ConfigErrors. */
export const compileLayer = (layer: EditLayer, names: { readonly add: string; readonly remove: string }): HeaderEdit[] => {
  const removed = layer.remove.map((name, index) => checkName(name, `${names.remove}[${index}]`));
  const compiled = layer.add.map((option, index) => ({ option, edit: inField(`${names.add}[${index}]`, () => compileAdd(option)) }));
  const overwrites = compiled.filter(({ option }) => actionOf(option) >= OVERWRITE);
  // Envoy overwrites before it appends, whatever the order in the list.
  const added = [...overwrites, ...compiled.filter((each) => !overwrites.includes(each))].map(({ edit }) => edit);
  const removal: HeaderEdit = (draft) => {
    for (const name of removed) removeIn(draft, name);
  };
  return removed.length > 0 ? [removal, ...added] : added;
};
