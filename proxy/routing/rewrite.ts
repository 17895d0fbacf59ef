/** Paths and hosts as upstream shall see them, and the answers that a route gives itself. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { DirectResponseAction, RedirectAction, RegexMatchAndSubstitute, RouteAction } from '#envoy';
import type { HttpRequest } from '../http/message.ts';
import { compileReplace } from '../http/string-match.ts';
import { type PathMatch, pathOf } from './match.ts';

/** New path, query and all. */
export type RewritePath = (path: string) => string;

const prefixRewrite = (replacement: string, match: PathMatch): RewritePath => {
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

/** Undefined when the host stays. Throws ConfigError with a path relative to the action. */
export const compileHostRewrite = (action: Pick<RouteAction, 'hostRewriteSpecifier'>): string | undefined => {
  const specifier = action.hostRewriteSpecifier;
  if (!specifier) return undefined;
  if (specifier.$case === 'autoHostRewrite' && !specifier.value) return undefined;
  if (specifier.$case !== 'hostRewriteLiteral')
    throw new ConfigError(
      specifier.$case.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`),
      'not supported by this proxy',
    );
  return specifier.value === '' ? undefined : specifier.value;
};

/** An answer without upstream. */
export interface OwnAnswer {
  readonly status: number;
  readonly body: string;
  /** Value of the location field; absent when this is no redirect. */
  readonly location?: (request: HttpRequest) => string;
}

/** Throws ConfigError with a path relative to the action. */
export const compileDirectResponse = (action: DirectResponseAction): OwnAnswer => {
  if (action.status < 200 || action.status > 599) throw new ConfigError('status', 'must be between 200 and 599');
  const specifier = action.body?.specifier;
  if (specifier === undefined) return { status: action.status, body: '' };
  if (specifier.$case === 'inlineString') return { status: action.status, body: specifier.value };
  if (specifier.$case === 'inlineBytes') return { status: action.status, body: new TextDecoder().decode(specifier.value) };
  throw new ConfigError('body', 'only inline_string and inline_bytes are supported');
};

const REDIRECT_STATUS: Readonly<Record<number, number>> = { 0: 301, 1: 302, 2: 303, 3: 307, 4: 308 };

const redirectPath = (action: RedirectAction, match: PathMatch): RewritePath => {
  const specifier = action.pathRewriteSpecifier;
  if (specifier === undefined || (specifier.$case === 'pathRedirect' && specifier.value === '')) return (path) => path;
  switch (specifier.$case) {
    case 'pathRedirect': {
      const fixed = specifier.value;
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
  if (action.portRedirect > 0) return `${action.hostRedirect || host}:${action.portRedirect}`;
  if (action.hostRedirect !== '') return action.hostRedirect;
  return scheme !== request.scheme && port === DEFAULT_PORTS[request.scheme] ? host : host + port;
};

/** Throws ConfigError with a path relative to the action. */
export const compileRedirect = (action: RedirectAction, match: PathMatch): OwnAnswer => {
  refuseUnsupported(action, {
    read: ['schemeRewriteSpecifier', 'hostRedirect', 'portRedirect', 'pathRewriteSpecifier', 'responseCode', 'stripQuery'],
  });
  const status = REDIRECT_STATUS[action.responseCode];
  if (status === undefined) throw new ConfigError('response_code', `unknown value ${action.responseCode}`);
  const scheme = action.schemeRewriteSpecifier;
  const wantedScheme = scheme?.$case === 'schemeRedirect' ? scheme.value : scheme?.value ? 'https' : '';
  const rewrite = redirectPath(action, match);
  const location = (request: HttpRequest): string => {
    const newScheme = wantedScheme === '' ? request.scheme : wantedScheme;
    const path = rewrite(request.path);
    return `${newScheme}://${redirectHost(action, newScheme, request)}${action.stripQuery ? pathOf(path) : path}`;
  };
  return { status, body: '', location };
};
