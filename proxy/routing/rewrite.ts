/** Paths and hosts as upstream shall see them, and the answers that a route gives itself. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { DirectResponseAction, RedirectAction, RegexMatchAndSubstitute, RouteAction } from '#envoy';
import { type HttpRequest, schemeOf } from '../http/message.ts';
import { asBytes, compileReplace } from '../http/string-match.ts';
import { type PathMatch, pathOf } from './match.ts';

/** New path, query and all. */
export type RewritePath = (path: string) => string;

const prefixRewrite = (written: string, match: PathMatch): RewritePath => {
  const replacement = asBytes(written);
  if (match.kind === 'prefix') return (path) => replacement + path.slice(match.length);
  return (path) => replacement + path.slice(pathOf(path).length);
};

const regexRewrite = (rewrite: RegexMatchAndSubstitute): RewritePath => {
  const replace = compileReplace(rewrite.pattern, rewrite.substitution);
  return (path) => {
    const bare = pathOf(path);
    return replace(bare) + path.slice(bare.length);
  };
};

/** Undefined when the path stays. Throws ConfigError with a path relative to the action. */
export const compilePathRewrite = (
  action: { readonly prefixRewrite: string; readonly regexRewrite?: RegexMatchAndSubstitute | undefined },
  match: PathMatch,
): RewritePath | undefined => {
  const { regexRewrite: regex } = action;
  if (regex && action.prefixRewrite !== '') throw new ConfigError('prefix_rewrite', 'cannot be combined with regex_rewrite');
  if (regex) return inField('regex_rewrite', () => regexRewrite(regex));
  return action.prefixRewrite === '' ? undefined : prefixRewrite(action.prefixRewrite, match);
};

/** The host that a request shall have upstream; undefined or empty when it keeps its own. */
export type RewriteHost = (request: HttpRequest) => string | undefined;

/** Undefined when the host stays. */
export const literalHost = (host: string): RewriteHost | undefined => {
  const bytes = asBytes(host);
  return host === '' ? undefined : () => bytes;
};

/** Undefined when the host stays. Throws ConfigError with a path relative to the action. */
export const compileHostRewrite = (action: Pick<RouteAction, 'hostRewriteSpecifier'>): RewriteHost | undefined => {
  const specifier = action.hostRewriteSpecifier;
  switch (specifier?.$case) {
    case undefined:
      return undefined;
    case 'hostRewriteLiteral':
      return literalHost(specifier.value);
    case 'hostRewriteHeader': {
      const name = specifier.value.toLowerCase();
      return name === '' ? undefined : (request) => request.headers.get(name);
    }
    case 'hostRewritePathRegex': {
      const { pattern, substitution } = specifier.value;
      const replace = inField('host_rewrite_path_regex', () => compileReplace(pattern, substitution));
      return (request) => replace(pathOf(request.path));
    }
    case 'autoHostRewrite':
      if (!specifier.value) return undefined;
      throw new ConfigError('auto_host_rewrite', 'not supported by this proxy');
  }
};

/** An answer without upstream. */
export interface OwnAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  /** Value of the location field; absent when there is none. */
  readonly location?: (request: HttpRequest) => string;
}

/** Throws ConfigError with a path relative to the action. */
export const compileDirectResponse = (action: DirectResponseAction): OwnAnswer => {
  if (action.status < 200 || action.status > 599) throw new ConfigError('status', 'must be between 200 and 599');
  const specifier = action.body?.specifier;
  if (specifier && specifier.$case !== 'inlineString' && specifier.$case !== 'inlineBytes')
    throw new ConfigError('body', 'only inline_string and inline_bytes are supported');
  const body = specifier?.$case === 'inlineString' ? new TextEncoder().encode(specifier.value) : (specifier?.value ?? NOTHING);
  const { status } = action;
  // RFC 9110 §10.2.2: where what was created is, or where to go. Envoy names what was asked for.
  return status === 201 || (status >= 300 && status < 400) ? { status, body, location: uriOf } : { status, body };
};

const NOTHING = new Uint8Array(0);

const uriOf = (request: HttpRequest): string => `${schemeOf(request)}://${request.authority}${request.path}`;

const REDIRECT_STATUS: Readonly<Record<number, number>> = { 0: 301, 1: 302, 2: 303, 3: 307, 4: 308 };

const redirectPath = (action: RedirectAction, match: PathMatch): RewritePath => {
  const specifier = action.pathRewriteSpecifier;
  if (specifier === undefined || specifier.value === '') return (path) => path;
  switch (specifier.$case) {
    case 'pathRedirect': {
      const fixed = asBytes(specifier.value);
      return (path) => (fixed.includes('?') ? fixed : fixed + path.slice(pathOf(path).length));
    }
    case 'prefixRewrite':
      return prefixRewrite(specifier.value, match);
    case 'regexRewrite':
      return inField('regex_rewrite', () => regexRewrite(specifier.value));
  }
};

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

const splitPort = (authority: string): readonly [string, string] => {
  const port = /:\d+$/.exec(authority)?.[0] ?? '';
  return [authority.slice(0, authority.length - port.length), port];
};

/** A scheme change drops the old scheme's own port; a port that is given is always printed. (Envoy 1.40) */
const redirectHost = (action: RedirectAction, scheme: string, request: HttpRequest): string => {
  const [host, port] = splitPort(request.authority);
  const before = schemeOf(request);
  if (action.portRedirect > 0) return `${action.hostRedirect || host}:${action.portRedirect}`;
  if (action.hostRedirect !== '') return action.hostRedirect;
  return scheme !== before && port === DEFAULT_PORTS[before] ? host : host + port;
};

/** Throws ConfigError with a path relative to the action. */
export const compileRedirect = (written: RedirectAction, match: PathMatch): OwnAnswer => {
  refuseUnsupported(written, {
    read: ['schemeRewriteSpecifier', 'hostRedirect', 'portRedirect', 'pathRewriteSpecifier', 'responseCode', 'stripQuery'],
  });
  const action = { ...written, hostRedirect: asBytes(written.hostRedirect) };
  const status = REDIRECT_STATUS[action.responseCode];
  if (status === undefined) throw new ConfigError('response_code', `unknown value ${action.responseCode}`);
  const scheme = action.schemeRewriteSpecifier;
  const wantedScheme = scheme?.$case === 'schemeRedirect' ? scheme.value : scheme?.value ? 'https' : '';
  const rewrite = redirectPath(action, match);
  const location = (request: HttpRequest): string => {
    const newScheme = wantedScheme === '' ? schemeOf(request) : wantedScheme;
    const path = rewrite(request.path);
    return `${newScheme}://${redirectHost(action, newScheme, request)}${action.stripQuery ? pathOf(path) : path}`;
  };
  return { status, body: NOTHING, location };
};
