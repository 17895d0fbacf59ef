/** Formats of access logs: text and JSON around operators, compiled once. Pure. */
import { ConfigError } from '#api/config-error.ts';
import type { FinishedStream } from '../http/connection-manager.ts';
import { type LogValue, type Operator, operatorOf } from './access-log-operators.ts';

/** Envoy's default text format. */
export const DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

const COMMAND = /%([A-Z0-9_]+)(?:\(([^)]*)\))?(?::(\d+))?%/g;

/** The parts of a format, in order: literal text and operators. Throws ConfigError for what this proxy does not know. */
export const compileFormat = (format: string): readonly (string | Operator)[] => {
  const parts: (string | Operator)[] = [];
  let at = 0;
  for (const match of format.matchAll(COMMAND)) {
    if (match.index > at) parts.push(format.slice(at, match.index).replaceAll('%%', '%'));
    parts.push(operatorOf(match[1] ?? '', match[2], match[3]));
    at = match.index + match[0].length;
  }
  const rest = format.slice(at);
  if (rest.replaceAll('%%', '').includes('%')) throw new ConfigError('', `'${rest}': a % without a command`);
  if (rest !== '') parts.push(rest.replaceAll('%%', '%'));
  return parts;
};

/** Control characters never reach a text log raw: one exchange is one line. Bytes beyond ASCII are read as the UTF-8 that they mostly are. */
const printable = (text: string): string => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 32 || code === 127) return JSON.stringify(text).slice(1, -1).replaceAll('\u007f', '\\u007f');
    if (code > 127) return printableBytes(text);
  }
  return text;
};

const printableBytes = (text: string): string => {
  const readable = Buffer.from(text, 'latin1').toString('utf8');
  return JSON.stringify(readable).slice(1, -1).replaceAll('\u007f', '\\u007f').replaceAll('\\"', '"').replaceAll('\\\\', '\\');
};

const textOf = (value: LogValue, missing: string): string | number | boolean =>
  typeof value === 'object' ? JSON.stringify(value) : (value ?? missing);

/** How what is missing is told: by `-` in text and null in JSON, or not at all (omit_empty_values). */
export interface LineRules {
  readonly omitEmpty: boolean;
}

const TELL_ALL: LineRules = { omitEmpty: false };

/** Finished exchange → its line, without the newline. */
export const textLine = (format: string, { omitEmpty } = TELL_ALL): ((finished: FinishedStream) => string) => {
  const parts = compileFormat(format.endsWith('\n') ? format.slice(0, -1) : format);
  const missing = omitEmpty ? '' : '-';
  return (finished) => {
    let line = '';
    for (const part of parts) {
      const value = typeof part === 'string' ? part : part(finished);
      line += typeof part !== 'string' && typeof value === 'string' ? printable(value) : textOf(value, missing);
    }
    return line;
  };
};

type JsonPart = (finished: FinishedStream) => unknown;

const jsonText = (format: string, rules: LineRules): JsonPart => {
  const parts = compileFormat(format);
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'function') return (finished) => only(finished) ?? null;
  const missing = rules.omitEmpty ? '' : '-';
  return (finished) => parts.map((part) => (typeof part === 'string' ? part : textOf(part(finished), missing))).join('');
};

const jsonPart = (value: unknown, rules: LineRules): JsonPart => {
  if (typeof value === 'string') return jsonText(value, rules);
  if (Array.isArray(value)) {
    const items = value.map((item) => jsonPart(item, rules));
    return (finished) => {
      const told = items.map((item) => item(finished));
      return rules.omitEmpty ? told.filter((item) => item !== null) : told;
    };
  }
  if (typeof value === 'object' && value !== null) return jsonObject(value, rules);
  return () => value;
};

const jsonObject = (format: object, rules: LineRules): JsonPart => {
  const fields = jsonFields(format, rules);
  return (finished) => {
    const told = fields.map(([key, part]) => [key, part(finished)] as const);
    return Object.fromEntries(rules.omitEmpty ? told.filter(([, value]) => value !== null) : told);
  };
};

const jsonFields = (format: object, rules: LineRules): (readonly [string, JsonPart])[] =>
  Object.entries(format)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, jsonPart(value, rules)] as const);

/** Finished exchange → one JSON object as text: keys sorted, numbers as numbers (Envoy ≥ 1.33). */
export const jsonLine = (format: object, rules = TELL_ALL): ((finished: FinishedStream) => string) => {
  const fields = jsonFields(format, rules).map(([key, part]) => [`${JSON.stringify(key)}:`, part] as const);
  return (finished) => {
    let line = '';
    for (const [key, part] of fields) {
      const value = part(finished);
      if (value !== null || !rules.omitEmpty) line += `${line === '' ? '{' : ','}${key}${JSON.stringify(value)}`;
    }
    return line === '' ? '{}' : `${line}}`;
  };
};
