import { describe, expect, it } from 'vitest';
import { RouteAction } from '#envoy';
import { type Hash64, hex, joined, xxh64 } from '#system/xxh64.ts';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../http/message.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { compileHashPolicy } from './hash-policy.ts';

const LOCAL = { address: '127.0.0.1', port: 31_000 };
const stream = (address = '127.0.0.1', port = 39_160) => new StreamRecord(1, { id: 1, local: LOCAL, remote: { address, port } }, 0, 0);

const get = (path: string, ...headers: (readonly [string, string])[]): HttpRequest => ({
  method: 'GET',
  scheme: 'http',
  authority: 'reviews',
  path,
  headers: HeaderMap.of(...headers),
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
});

const policyOf = (...policies: object[]) => compileHashPolicy(RouteAction.fromJSON({ hashPolicy: policies }).hashPolicy);

const hashed = (request: HttpRequest, ...policies: object[]): string | undefined => {
  const hash = policyOf(...policies)?.hash(request, stream());
  return hash && hex(hash);
};

const text = (...texts: string[]): string =>
  hex(texts.reduce<Hash64 | undefined>((hash, each) => joined(hash, xxh64(each)), undefined) as Hash64);

const user = { header: { headerName: 'X-User' } };
const other = { header: { headerName: 'x-other' } };

describe('what a request is hashed by', () => {
  it('a header: its bytes, and several values in whatever order they come', () => {
    expect(hashed(get('/', ['x-user', 'alice']), user)).toBe(text('alice'));
    const both = hex(xxh64('b', xxh64('a')));
    expect(hashed(get('/', ['x-user', 'b'], ['x-user', 'a']), user)).toBe(both);
    expect(hashed(get('/', ['x-user', 'a'], ['x-user', 'b']), user)).toBe(both);
    expect(hashed(get('/'), user)).toBeUndefined();
  });

  it('path and host, which are headers to a policy', () => {
    expect(hashed(get('/a?b'), { header: { headerName: ':path' } })).toBe(text('/a?b'));
    expect(hashed(get('/'), { header: { headerName: 'host' } })).toBe(text('reviews'));
  });

  it('a header rewritten', () => {
    const regexRewrite = { pattern: { regex: '^.*-(\\d)' }, substitution: '\\1x' };
    expect(hashed(get('/', ['x-user', 'user-7b']), { header: { headerName: 'x-user', regexRewrite } })).toBe(text('7xb'));
  });

  it('a query parameter: the first, still encoded, and an empty one', () => {
    const q = { queryParameter: { name: 'q' } };
    expect(hashed(get('/?a=1&q=v%20&q=2'), q)).toBe(text('v%20'));
    expect(hashed(get('/?q'), q)).toBe(text(''));
    expect(hashed(get('/?qq=1'), q)).toBeUndefined();
    expect(hashed(get('/'), q)).toBeUndefined();
  });

  it('who called, without the port', () => {
    expect(hashed(get('/'), { connectionProperties: { sourceIp: true } })).toBe(text('127.0.0.1'));
    expect(policyOf({ connectionProperties: { sourceIp: false } })).toBeUndefined();
  });

  it('several together, and none behind a terminal one that found something', () => {
    const request = get('/', ['x-user', 'a'], ['x-other', 'b']);
    expect(hashed(request, user, other)).toBe(text('a', 'b'));
    expect(hashed(request, other, user)).toBe(text('b', 'a'));
    expect(hashed(request, { ...user, terminal: true }, other)).toBe(text('a'));
    expect(hashed(get('/', ['x-other', 'b']), { ...user, terminal: true }, other)).toBe(text('b'));
  });
});

describe('a cookie', () => {
  const kept = { cookie: { name: 'c', ttl: '100s', path: '/p', attributes: [{ name: 'SameSite', value: 'Lax' }, { name: 'Secure' }] } };

  it('is read among others, with and without quotes', () => {
    expect(hashed(get('/', ['cookie', 'x=1; c=v; d=3']), { cookie: { name: 'c' } })).toBe(text('v'));
    expect(hashed(get('/', ['cookie', 'x=1'], ['cookie', 'c="v"']), { cookie: { name: 'c' } })).toBe(text('v'));
    expect(hashed(get('/', ['cookie', 'cc=v']), { cookie: { name: 'c' } })).toBeUndefined();
    expect(policyOf({ cookie: { name: 'c' } })?.cookies).toBeUndefined();
  });

  it('is made of both ends of the connection for who has none, and written as Envoy 1.40 wrote it', () => {
    const policy = policyOf(kept);
    expect(policy?.cookies?.(get('/'), stream())).toEqual(['c="3268030491dd6beb"; Max-Age=100; Path=/p; SameSite=Lax; Secure; HttpOnly']);
    expect(hex(policy?.hash(get('/'), stream()) as Hash64)).toBe(text('3268030491dd6beb'));
    expect(policy?.cookies?.(get('/', ['cookie', 'c=1']), stream())).toEqual([]);
    expect(policy?.cookies?.(get('/', ['cookie', 'c=']), stream())).toHaveLength(1);
    expect(policy?.cookies?.(get('/'), stream('127.0.0.1', 1))).not.toEqual(policy?.cookies?.(get('/'), stream()));
  });

  it('lives as long as the browser when its time is 0', () => {
    expect(policyOf({ cookie: { name: 'c', ttl: '0s' } })?.cookies?.(get('/'), stream())).toEqual(['c="3268030491dd6beb"; HttpOnly']);
  });

  it('is not made behind a terminal policy that found something', () => {
    expect(policyOf({ ...user, terminal: true }, kept)?.cookies?.(get('/', ['x-user', 'a']), stream())).toEqual([]);
    expect(policyOf({ ...user, terminal: true }, kept)?.cookies?.(get('/'), stream())).toHaveLength(1);
  });
});

it.each([
  [{ filterState: { key: 'x' } }, 'hash_policy[0].filter_state: not supported'],
  [{}, 'hash_policy[0].policy_specifier: is required'],
  [{ header: { headerName: 'x', regexRewrite: { pattern: { regex: '(' } } } }, 'hash_policy[0].header.regex_rewrite.pattern.regex: '],
])('refuses %j with its path', (policy, message) => {
  expect(() => policyOf(policy)).toThrow(message);
});
