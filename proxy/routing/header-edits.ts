/** Header fields that routes add, set and remove. Most specific layer first; within a layer removal comes before addition. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { HeaderValueOption } from '#envoy';
import { removeIn } from '../http/header-map.ts';
import type { HttpRequest } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { asBytes } from '../http/string-match.ts';
import { compileFormat, type Format } from './header-format.ts';

/** Changes a draft of fields in place. request: as the edits' formats see it. */
export type HeaderEdit = (draft: string[], request: HttpRequest, stream: StreamInfo) => void;

/** One level's edits, as route configuration, virtual host, route and weighted cluster all have them. */
export interface EditLayer {
  readonly add: readonly HeaderValueOption[];
  readonly remove: readonly string[];
}

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

interface Addition {
  readonly name: string;
  readonly action: number;
  readonly keepEmpty: boolean;
  readonly value: Format;
}

const compileAdd = (option: HeaderValueOption, of: Parameters<typeof compileFormat>[1]): Addition => {
  refuseUnsupported(option, { read: ['header', 'append', 'appendAction', 'keepEmptyValue'] });
  if (!option.header) throw new ConfigError('header', 'is required');
  const name = checkName(option.header.key, 'header.key');
  if (option.header.rawValue.length > 0) throw new ConfigError('header.raw_value', 'not supported by this proxy');
  if (/[\r\n\0]/.test(option.header.value)) throw new ConfigError('header.value', 'must not contain line breaks');
  const value = inField('header.value', () => compileFormat(asBytes(option.header?.value ?? ''), of));
  return { name, action: actionOf(option), keepEmpty: option.keepEmptyValue, value };
};

/** Whether what is added can be one of the fields that ask something of the router. */
export const asksRouter = (added: readonly HeaderValueOption[]): boolean =>
  added.some(({ header }) => header?.key.toLowerCase().startsWith('x-envoy-') === true);

/** Values are those that the fields had when the layer began, but for removed ones. */
const additions = (added: readonly Addition[]): HeaderEdit => {
  const [only] = added;
  if (only && added.length === 1)
    return (draft, request, stream) => {
      const value = only.value(request, stream, draft);
      if (value !== '' || only.keepEmpty) place(draft, only.name, value, only.action);
    };
  return (draft, request, stream) => {
    const values = added.map(({ value }) => value(request, stream, draft));
    for (const [index, { name, action, keepEmpty }] of added.entries()) {
      const value = values[index] ?? '';
      if (value !== '' || keepEmpty) place(draft, name, value, action);
    }
  };
};

/** names: proto names of the two fields, for the paths of ConfigErrors; they also tell whether a request or a response is edited. */
export const compileLayer = (layer: EditLayer, names: { readonly add: string; readonly remove: string }): HeaderEdit[] => {
  const of = names.add.startsWith('response') ? 'response' : 'request';
  const removed = layer.remove.map((name, index) => checkName(name, `${names.remove}[${index}]`));
  const compiled = layer.add.map((option, index) => inField(`${names.add}[${index}]`, () => compileAdd(option, of)));
  // Envoy overwrites before it appends, whatever the order in the list.
  const added = [...compiled.filter(({ action }) => action >= OVERWRITE), ...compiled.filter(({ action }) => action < OVERWRITE)];
  const removal: HeaderEdit = (draft) => {
    for (const name of removed) removeIn(draft, name);
  };
  return [...(removed.length > 0 ? [removal] : []), ...(added.length > 0 ? [additions(added)] : [])];
};
