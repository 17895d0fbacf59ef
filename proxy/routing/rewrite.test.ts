import { describe, expect, it } from 'vitest';
import { RedirectAction, Route, RouteAction, RouteMatch } from '#envoy';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../http/message.ts';
import { compilePath } from './match.ts';
import { compileDirectResponse, compileHostRewrite, compilePathRewrite, compileRedirect } from './rewrite.ts';

const request = (path: string, ...pairs: [string, string][]): HttpRequest => ({
  method: 'GET',
  scheme: 'http',
  authority: 'a.test:80',
  path,
  headers: HeaderMap.of(...pairs),
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
});

const prefixed = compilePath(RouteMatch.fromJSON({ prefix: '/p' }));
const location = (action: object, asked: HttpRequest) => compileRedirect(RedirectAction.fromJSON(action), prefixed).location?.(asked);
const path = (action: object, asked: string) => compilePathRewrite(RouteAction.fromJSON(action), prefixed)?.(asked);
const host = (action: object, asked: HttpRequest) => compileHostRewrite(RouteAction.fromJSON(action))?.(asked);

/** Cut to single bytes it would be CR LF. */
const LINE_BREAK = '\u010d\u010a';
const BYTES = '\xc4\x8d\xc4\x8a';

it('what is configured beyond ASCII travels as UTF-8, and never breaks a line', () => {
  expect(location({ host_redirect: `b${LINE_BREAK}` }, request('/p'))).toBe(`http://b${BYTES}/p`);
  expect(location({ path_redirect: `/${LINE_BREAK}` }, request('/p'))).toBe(`http://a.test:80/${BYTES}`);
  expect(path({ prefix_rewrite: `/${LINE_BREAK}` }, '/p/x')).toBe(`/${BYTES}/x`);
  expect(path({ regex_rewrite: { pattern: { regex: 'é' }, substitution: LINE_BREAK } }, '/p/\xc3\xa9')).toBe(`/p/${BYTES}`);
  expect(host({ host_rewrite_literal: `b${LINE_BREAK}` }, request('/p'))).toBe(`b${BYTES}`);
});

describe('redirect', () => {
  it.each([
    [{ https_redirect: true }, 'https://a.test/p/x?q'],
    [{ port_redirect: 8443 }, 'http://a.test:8443/p/x?q'],
    [{ host_redirect: 'b.test:99' }, 'http://b.test:99/p/x?q'],
    [{ path_redirect: '/n' }, 'http://a.test:80/n?q'],
    [{ path_redirect: '/n?z' }, 'http://a.test:80/n?z'],
    [{ prefix_rewrite: '/n' }, 'http://a.test:80/n/x?q'],
    [{ prefix_rewrite: '' }, 'http://a.test:80/p/x?q'],
    [{ strip_query: true }, 'http://a.test:80/p/x'],
  ])('%j leads to %s', (action, wanted) => {
    expect(location(action, request('/p/x?q'))).toBe(wanted);
  });

  it('keeps the scheme that the client used in front of a terminating proxy', () => {
    expect(location({ host_redirect: 'b' }, request('/p', ['x-forwarded-proto', 'https']))).toBe('https://b/p');
    expect(location({ host_redirect: 'b' }, request('/p', ['x-forwarded-proto', 'gopher']))).toBe('http://b/p');
  });
});

describe('direct response', () => {
  const compiled = (direct_response: object) => {
    const { action } = Route.fromJSON({ direct_response });
    if (action?.$case !== 'directResponse') throw new Error('no direct response');
    return compileDirectResponse(action.value);
  };

  it('keeps bytes as they are', () => {
    expect([...compiled({ status: 200, body: { inline_bytes: 'AAH/' } }).body]).toEqual([0, 1, 255]);
  });

  it('says where only for 201 and redirects', () => {
    expect(compiled({ status: 201 }).location?.(request('/made'))).toBe('http://a.test:80/made');
    expect(compiled({ status: 302 }).location).toBeDefined();
    expect(compiled({ status: 404 }).location).toBeUndefined();
  });
});

describe('path rewrite', () => {
  it.each([
    [{ prefix_rewrite: '/n' }, '/p/x?q', '/n/x?q'],
    [{ regex_rewrite: { pattern: { regex: '/p/([^/]+)' }, substitution: '/\\1/\\0' } }, '/p/a?p/b', '/a//p/a?p/b'],
    [{ regex_rewrite: { pattern: { regex: 'p' }, substitution: '$1\\\\' } }, '/p/p', '/$1\\/$1\\'],
  ])('%j makes of %s %s', (action, asked, wanted) => {
    expect(path(action, asked)).toBe(wanted);
  });

  it('refuses a group that is not there', () => {
    const rewrite = (substitution: string) => path({ regex_rewrite: { pattern: { regex: '(a)' }, substitution } }, '/');
    expect(() => rewrite('\\2')).toThrow('regex_rewrite.substitution: \\2 names a group');
    expect(() => rewrite('\\x')).toThrow('regex_rewrite.substitution: \\x is neither');
  });
});

describe('host rewrite', () => {
  it('takes a literal, a header or a part of the path', () => {
    const regex = { pattern: { regex: '^/p/(\\w+).*$' }, substitution: '\\1.test' };
    expect(host({ host_rewrite_literal: 'b' }, request('/'))).toBe('b');
    expect(host({ host_rewrite_header: 'X-Host' }, request('/', ['x-host', 'c']))).toBe('c');
    expect(host({ host_rewrite_header: 'x-host' }, request('/'))).toBeUndefined();
    expect(host({ host_rewrite_path_regex: regex }, request('/p/one?two'))).toBe('one.test');
  });
});
