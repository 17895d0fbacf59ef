/** RBAC rules as one reads them, and filters as plain values: what tests compare. */
import { parseAllDocuments } from 'yaml';
import {
  type Any,
  type Filter,
  type HttpFilter,
  messageTypes,
  type Permission,
  type Principal,
  type StringMatcher,
  type ValueMatcher,
} from '#envoy';
import { type AuthorizationInput, httpAuthorization, tcpAuthorization } from './authorization-filters.ts';
import type { AuthorizationPolicy } from './rbac.ts';

/** Documents of YAML, with the namespace `default` where none is named. */
const documents = (yaml: string): AuthorizationPolicy[] =>
  parseAllDocuments(yaml).map((document) => {
    const { metadata, spec } = document.toJS();
    return { metadata: { namespace: 'default', annotations: {}, ...metadata }, spec };
  });

/** One AuthorizationPolicy of namespace default. spec: YAML in flow style. */
export const policy = (spec: string, metadata = 'name: p'): AuthorizationPolicy =>
  documents(`metadata: {${metadata}}\nspec: ${spec}`)[0] as AuthorizationPolicy;

/** A mesh with one trust domain and no authorizers, unless said otherwise. */
export const input = (policies: readonly AuthorizationPolicy[], more: Partial<AuthorizationInput> = {}): AuthorizationInput => ({
  policies,
  trustDomains: ['cluster.local'],
  providers: [],
  services: [],
  ...more,
});

/** JSON of a message; a test knows its shape. */
// biome-ignore lint/suspicious/noExplicitAny: what is compared has every shape that Envoy's messages have.
export type Plain = Record<string, any>;

/** A filter's name and the JSON of its configuration. */
export const plain = (filter: HttpFilter | Filter): { name: string; config: Plain } => {
  if (filter.configType?.$case !== 'typedConfig') throw new Error(`${filter.name} has no configuration`);
  return { name: filter.name, config: unpacked(filter.configType.value) };
};

const unpacked = ({ typeUrl, value }: Any): Plain => {
  const codec = codecOf(typeUrl);
  return codec.toJSON(codec.decode(value)) as Plain;
};

const codecOf = (typeUrl: string) => {
  const codec = messageTypes()[typeUrl.slice(typeUrl.lastIndexOf('/') + 1)];
  if (codec === undefined) throw new Error(`no message ${typeUrl}`);
  return codec;
};

/** Rules of the only filter that these policies become, said in one line each. */
export const said = (
  policies: readonly AuthorizationPolicy[],
  transport: 'http' | 'tcp' = 'http',
  more: Partial<AuthorizationInput> = {},
) => {
  const { custom, own } = (transport === 'http' ? httpAuthorization : tcpAuthorization)(input(policies, more));
  const [only] = [...custom, ...own].map((filter) => sayFilter(filter));
  return only ?? {};
};

/** Rules of one RBAC filter by name; both enforced and tried ones. */
export const sayFilter = (filter: HttpFilter | Filter): Record<string, string> => {
  if (filter.configType?.$case !== 'typedConfig') throw new Error(`${filter.name} has no configuration`);
  const { typeUrl, value } = filter.configType.value;
  const { rules, shadowRules } = codecOf(typeUrl).decode(value) as RbacLike;
  return Object.fromEntries(
    [...Object.entries(rules?.policies ?? {}), ...Object.entries(shadowRules?.policies ?? {})].map(
      ([name, { permissions, principals }]) => [
        name,
        `${permissions.map(sayPermission).join(' | ')} <- ${principals.map(sayPrincipal).join(' | ')}`,
      ],
    ),
  );
};

interface RbacLike {
  readonly rules?: { readonly policies: Record<string, { permissions: Permission[]; principals: Principal[] }> };
  readonly shadowRules?: RbacLike['rules'];
}

const group = (words: readonly string[], join: string): string => (words.length === 1 ? String(words[0]) : `(${words.join(join)})`);

const sayText = (matcher: StringMatcher | undefined): string => {
  const pattern = matcher?.matchPattern;
  if (pattern?.$case === 'safeRegex') return `~ ${pattern.value.regex}`;
  if (pattern?.$case === 'custom' || pattern === undefined) return '?';
  const sign = { exact: '=', prefix: '^=', suffix: '$=', contains: '*=' }[pattern.$case];
  return `${sign}${matcher?.ignoreCase ? 'i' : ''} ${pattern.value}`;
};

const sayValue = (matcher: ValueMatcher | undefined): string => {
  const pattern = matcher?.matchPattern;
  if (pattern?.$case === 'stringMatch') return sayText(pattern.value);
  if (pattern?.$case === 'orMatch') return group(pattern.value.valueMatchers.map(sayValue), ' or ');
  if (pattern?.$case === 'listMatch' && pattern.value.matchPattern?.$case === 'oneOf')
    return `has ${sayValue(pattern.value.matchPattern.value)}`;
  return String(pattern?.$case);
};

const sayHeader = (header: { name: string; headerMatchSpecifier?: { $case: string; value: unknown } | undefined }): string =>
  header.headerMatchSpecifier?.$case === 'presentMatch'
    ? `${header.name} there`
    : `${header.name} ${sayText(header.headerMatchSpecifier?.value as StringMatcher)}`;

const sayRange = ({ addressPrefix, prefixLen }: { addressPrefix: string; prefixLen?: number | undefined }): string =>
  `${addressPrefix}/${prefixLen}`;

const sayPermission = ({ rule }: Permission): string => {
  if (rule?.$case === 'andRules') return group(rule.value.rules.map(sayPermission), ' & ');
  if (rule?.$case === 'orRules') return group(rule.value.rules.map(sayPermission), ' | ');
  if (rule?.$case === 'notRule') return `not ${sayPermission(rule.value)}`;
  if (rule?.$case === 'header') return sayHeader(rule.value);
  if (rule?.$case === 'urlPath') return `path ${sayText(rule.value.rule?.value)}`;
  if (rule?.$case === 'uriTemplate') return `template ${unpacked(rule.value.typedConfig as Any).pathTemplate}`;
  if (rule?.$case === 'destinationIp') return `to ${sayRange(rule.value)}`;
  if (rule?.$case === 'requestedServerName') return `sni ${sayText(rule.value)}`;
  return rule?.$case === 'destinationPort' ? `port ${rule.value}` : String(rule?.$case);
};

const sayPrincipal = ({ identifier: id }: Principal): string => {
  if (id?.$case === 'andIds') return group(id.value.ids.map(sayPrincipal), ' & ');
  if (id?.$case === 'orIds') return group(id.value.ids.map(sayPrincipal), ' | ');
  if (id?.$case === 'notId') return `not ${sayPrincipal(id.value)}`;
  if (id?.$case === 'authenticated') return `who ${sayText(id.value.principalName)}`;
  if (id?.$case === 'directRemoteIp') return `peer ${sayRange(id.value)}`;
  if (id?.$case === 'remoteIp') return `client ${sayRange(id.value)}`;
  if (id?.$case === 'header') return sayHeader(id.value);
  if (id?.$case !== 'metadata') return String(id?.$case);
  const path = id.value.path.map(({ segment }) => segment?.value).join('.');
  return `${id.value.filter.slice(id.value.filter.lastIndexOf('.') + 1)}:${path} ${sayValue(id.value.value)}`;
};
