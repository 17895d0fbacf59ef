/** Fields of a check's request: the same for every check, so they are put together once. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { HeaderValueOption } from '#envoy';
import { removeIn, setIn } from '../../http/header-map.ts';
import { asBytes } from '../../http/string-match.ts';

/** What the configuration changes. */
export interface CheckHeaders {
  readonly add: readonly HeaderValueOption[];
  /** Name of the field, for complaints. */
  readonly addPath: string;
  readonly remove: readonly string[];
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const KNOWN_ACTIONS = 4;

const nameOf = (text: string, path: string): string => {
  const name = text.toLowerCase();
  if (!NAME.test(name) || name === 'host') throw new ConfigError(path, `${JSON.stringify(text)} is not a header name that may be changed`);
  return name;
};

const literalOf = (value: string): string => {
  if (/[\r\n\0]/.test(value)) throw new ConfigError('header.value', 'must not contain line breaks');
  if (value.replaceAll('%%', '').includes('%'))
    throw new ConfigError('header.value', 'commands are not supported by this proxy in health checks');
  return asBytes(value.replaceAll('%%', '%'));
};

const add = (draft: string[], option: HeaderValueOption): void => {
  refuseUnsupported(option, { read: ['header', 'append', 'appendAction', 'keepEmptyValue'] });
  if (!option.header) throw new ConfigError('header', 'is required');
  if (option.header.rawValue.length > 0) throw new ConfigError('header.raw_value', 'not supported by this proxy');
  const name = nameOf(option.header.key, 'header.key');
  const value = literalOf(option.header.value);
  const action = option.append === undefined ? option.appendAction : option.append ? 0 : 2;
  if (action >= KNOWN_ACTIONS) throw new ConfigError('append_action', `unknown value ${action}`);
  if (value === '' && !option.keepEmptyValue) return;
  const isThere = draft.some((text, index) => index % 2 === 0 && text === name);
  if ((action === 1 && isThere) || (action === 3 && !isThere)) return;
  if (action >= 2) setIn(draft, name, value);
  else draft.push(name, value);
};

/** own: what the check itself sends, changed in place and returned. Throws ConfigError. */
export const checkHeaders = (own: string[], changes: CheckHeaders): readonly string[] => {
  for (const [index, name] of changes.remove.entries()) removeIn(own, nameOf(name, `request_headers_to_remove[${index}]`));
  for (const [index, option] of changes.add.entries()) inField(`${changes.addPath}[${index}]`, () => add(own, option));
  return own;
};
