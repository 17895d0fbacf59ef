/** Permissions and principals over the facts of one call that is over: whether they held, as far as was recorded. Pure. */
import { RE2JS } from 're2js';
import type { CallFacts, Held } from '#api/story.ts';
import type { CidrRange, HeaderMatcher, MetadataMatcher, Permission, Principal, StringMatcher, ValueMatcher } from '#envoy';
import { addressRanges, ipFamily } from '#system/ip.ts';

/** False beats what is not known. */
export const allHeld = (held: readonly Held[]): Held => (held.includes(false) ? false : held.includes(null) ? null : true);

/** True beats what is not known. */
export const anyHeld = (held: readonly Held[]): Held => (held.includes(true) ? true : held.includes(null) ? null : false);

/** What is not known stays so. */
export const notHeld = (held: Held): Held => (held === null ? null : !held);

const cannot = (what: string | undefined): never => {
  throw new Error(`policies are never translated to ${what}`);
};

/** What was cut for the log is not known whole. */
const isCut = (text: string): boolean => text.length > 256 && text.endsWith('…');

const text = ({ matchPattern: pattern, ignoreCase }: StringMatcher, actual: string | undefined): Held => {
  if (actual === undefined || isCut(actual)) return null;
  if (pattern?.$case === 'safeRegex') return RE2JS.compile(pattern.value.regex).matches(actual);
  if (pattern === undefined || pattern.$case === 'custom') return cannot(pattern?.$case);
  const [wanted, is] = ignoreCase ? [pattern.value.toLowerCase(), actual.toLowerCase()] : [pattern.value, actual];
  switch (pattern.$case) {
    case 'exact':
      return is === wanted;
    case 'prefix':
      return is.startsWith(wanted);
    case 'suffix':
      return is.endsWith(wanted);
    case 'contains':
      return is.includes(wanted);
  }
};

const header = ({ name, headerMatchSpecifier: wanted }: HeaderMatcher, facts: CallFacts): Held => {
  const values = valuesOf(name.toLowerCase(), facts);
  if (values === undefined) return null;
  if (wanted?.$case === 'presentMatch') return values === 'present' || values.length > 0;
  if (wanted?.$case !== 'stringMatch') return cannot(wanted?.$case);
  return values === 'present' ? null : anyHeld(values.map((value) => text(wanted.value, value)));
};

const valuesOf = (name: string, { method, host, headers }: CallFacts): readonly string[] | 'present' | undefined => {
  if (name === ':method') return method === undefined ? undefined : [method];
  if (name === ':authority' || name === 'host') return host === undefined ? undefined : [host];
  return headers && Object.hasOwn(headers, name) ? headers[name] : undefined;
};

const range = ({ addressPrefix, prefixLen }: CidrRange, address: string | undefined): Held => {
  if (address === undefined) return null;
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
  const family = ipFamily(addressPrefix);
  if (ipFamily(plain) !== family) return false;
  const list = addressRanges();
  list.addSubnet(addressPrefix, prefixLen ?? 0, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
};

const metadata = ({ path, value }: MetadataMatcher, { claims }: CallFacts): Held => {
  const name = path
    .slice(1)
    .map(({ segment }) => segment?.value ?? '')
    .join('][');
  if (!claims || !Object.hasOwn(claims, name) || value === undefined) return null;
  return claim(value, claims[name]);
};

const claim = ({ matchPattern: pattern }: ValueMatcher, actual: unknown): Held => {
  switch (pattern?.$case) {
    case 'stringMatch':
      return typeof actual === 'string' && text(pattern.value, actual);
    case 'listMatch': {
      const one = pattern.value.matchPattern?.value;
      return Array.isArray(actual) && one !== undefined && anyHeld(actual.map((item) => claim(one, item)));
    }
    case 'orMatch':
      return anyHeld(pattern.value.valueMatchers.map((each) => claim(each, actual)));
    default:
      return cannot(pattern?.$case);
  }
};

/** Characters that Envoy lets a template's open segment match. */
const OPEN = "a-zA-Z0-9\\-._~%!$&'()+,;:@=";

/** Templates as Istio writes them: `*` and `**` only. */
const template = (pattern: string, path: string): boolean => {
  const regex = pattern.replace(/\*\*|\*|[^*]+/g, (part) =>
    part === '**' ? `[${OPEN}/]*` : part === '*' ? `[${OPEN}]+` : RE2JS.quote(part),
  );
  return RE2JS.compile(regex).matches(path);
};

/** pathTemplate of a node: read by who made it. */
export type TemplateOf = (typedConfig: Uint8Array) => string;

/** What the caller asks for. */
export const permissionHeld = ({ rule }: Permission, facts: CallFacts, templateOf: TemplateOf): Held => {
  const one = (inner: Permission): Held => permissionHeld(inner, facts, templateOf);
  switch (rule?.$case) {
    case 'any':
      return true;
    case 'andRules':
      return allHeld(rule.value.rules.map(one));
    case 'orRules':
      return anyHeld(rule.value.rules.map(one));
    case 'notRule':
      return notHeld(one(rule.value));
    case 'header':
      return header(rule.value, facts);
    case 'urlPath':
      return rule.value.rule ? text(rule.value.rule.value, facts.path) : cannot('an empty path');
    case 'uriTemplate':
      return facts.path === undefined ? null : template(templateOf(rule.value.typedConfig?.value ?? new Uint8Array()), facts.path);
    case 'destinationIp':
      return range(rule.value, facts.destinationIp);
    case 'destinationPort':
      return facts.port === undefined ? null : facts.port === rule.value;
    case 'requestedServerName':
      return text(rule.value, facts.serverName);
    default:
      return cannot(rule?.$case);
  }
};

/** Who the caller is. */
export const principalHeld = ({ identifier }: Principal, facts: CallFacts): Held => {
  const one = (inner: Principal): Held => principalHeld(inner, facts);
  switch (identifier?.$case) {
    case 'any':
      return true;
    case 'andIds':
      return allHeld(identifier.value.ids.map(one));
    case 'orIds':
      return anyHeld(identifier.value.ids.map(one));
    case 'notId':
      return notHeld(one(identifier.value));
    case 'authenticated': {
      const { principal } = facts;
      if (principal === '') return false;
      return identifier.value.principalName ? text(identifier.value.principalName, principal) : principal === undefined ? null : true;
    }
    case 'remoteIp':
      return range(identifier.value, facts.remoteIp);
    case 'directRemoteIp':
      return range(identifier.value, facts.sourceIp);
    case 'header':
      return header(identifier.value, facts);
    case 'metadata':
      return metadata(identifier.value, facts);
    default:
      return cannot(identifier?.$case);
  }
};
