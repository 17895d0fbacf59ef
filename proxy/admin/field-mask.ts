/** `?mask=cluster.name,last_updated`: only these fields of a message in its JSON form, `@type` beside them. Source: google.protobuf.FieldMask. */

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Undefined when the message has none of the fields. Lists are taken whole: a path ends at them. */
export const masked = (message: Json, paths: readonly string[]): Json | undefined => {
  const kept: Record<string, unknown> = {};
  for (const name of new Set(paths.map((path) => path.split('.', 1)[0] ?? ''))) {
    const value = message[name];
    if (value === undefined || !Object.hasOwn(message, name)) continue;
    const whole = paths.includes(name);
    const inner = paths.filter((path) => path.startsWith(`${name}.`)).map((path) => path.slice(name.length + 1));
    const part = whole ? value : isObject(value) ? masked(value, inner) : undefined;
    if (part !== undefined) kept[name] = part;
  }
  if (Object.keys(kept).length === 0) return undefined;
  return '@type' in message ? { '@type': message['@type'], ...kept } : kept;
};
