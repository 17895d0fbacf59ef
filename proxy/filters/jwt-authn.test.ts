import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { Any } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { EMPTY_BODY, textBody } from '../http/body.ts';
import type { Handler } from '../http/filter.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { filterRoom } from './filter-room.fixture.ts';
import { filterTypeOf } from './registry.ts';

const URL_PREFIX = 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3';
const ISSUER = 'https://issuer.example';

/** jose signs, so that what is verified was not written by the same hand. */
const key = async (alg: string, kid: string) => {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const sign = (claims: object, issuer = ISSUER) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg, kid }).setIssuer(issuer).setSubject('ann').sign(privateKey);
  return { jwk: { ...(await exportJWK(publicKey)), kid } satisfies JWK, sign };
};
const [first, second] = await Promise.all([key('ES256', 'k1'), key('RS256', 'k2')]);
const keys = (...jwks: readonly JWK[]): string => JSON.stringify({ keys: jwks });

const answer = (status: number, text: string): HttpResponse => ({
  ...{ status, headers: HeaderMap.EMPTY, body: textBody(text), trailers: NO_TRAILERS },
});

const LOCAL = { issuer: ISSUER, localJwks: { inlineString: keys(first.jwk, second.jwk) }, payloadInMetadata: 'payload' };
const REMOTE = { httpUri: { uri: 'http://keys.example/jwks?x=1', cluster: 'keys', timeout: '2s' }, cacheDuration: '60s' };

interface Setting {
  readonly provider?: object;
  readonly more?: object;
  readonly route?: object;
  readonly upstream?: Handler;
}

const setUp = ({ provider = LOCAL, more = {}, route, upstream }: Setting = {}) => {
  const system = simulatedSystem();
  const room = filterRoom({ system, ...(upstream ? { upstream: () => upstream } : {}) });
  const any = Any.fromJSON({
    '@type': `${URL_PREFIX}.JwtAuthentication`,
    providers: { p: provider },
    rules: [{ match: { prefix: '/' }, requires: { providerName: 'p' } }],
    ...more,
  });
  const type = filterTypeOf(any.typeUrl);
  const filter = route
    ? type.compileRoute?.(any, Any.fromJSON({ '@type': `${URL_PREFIX}.PerRouteConfig`, ...route }), room)
    : type.compile(any, room);
  const here = { address: '10.0.0.2', port: 1 };
  const run = async (token: string | undefined, request: Partial<HttpRequest> = {}, ...headers: [string, string][]) => {
    const stream = new StreamRecord(1, { id: 1, local: here, remote: here }, 0, 0);
    let passed: HttpRequest | undefined;
    const asked: HttpRequest = {
      ...{ method: 'GET', scheme: 'http', authority: 'a', path: '/', body: EMPTY_BODY, trailers: NO_TRAILERS },
      headers: HeaderMap.of(...(token === undefined ? [] : [['authorization', `Bearer ${token}`] as const]), ...headers),
      ...request,
    };
    const next: Handler = (changed) => {
      passed = changed;
      return Promise.resolve(answer(200, ''));
    };
    const answered = (filter ? filter(asked, stream, next) : next(asked, stream)).then(
      ({ status }) => String(status),
      (error: unknown) => {
        if (error instanceof StreamError) return error.text;
        throw error;
      },
    );
    let verdict = '';
    void answered.then((text) => {
      verdict = text;
    });
    await system.clock.advance(0);
    return {
      get verdict() {
        return verdict;
      },
      get passed() {
        return passed;
      },
      stream,
    };
  };
  return { run, system, stat: (name: string) => system.metrics.value(`http.test.jwt_authn.${name}`) };
};

describe('jwt_authn', () => {
  it('takes what jose signed, takes the token out, and tells later filters its claims', async () => {
    const { run, stat } = setUp({ provider: { ...LOCAL, normalizePayloadInMetadata: { spaceDelimitedClaims: ['scope'] } } });
    const { verdict, passed, stream } = await run(await first.sign({ scope: 'read write' }));
    expect([verdict, passed?.headers.has('authorization'), stat('allowed')]).toEqual(['200', false, 1]);
    expect(stream.metadata).toMatchObject({ 'envoy.filters.http.jwt_authn': { payload: { sub: 'ann', scope: ['read', 'write'] } } });
  });

  it('verifies a token once: the second time its hash is known', async () => {
    const { run, stat } = setUp();
    const token = await second.sign({});
    await run(token);
    await run(token);
    expect([stat('jwt_cache_miss'), stat('jwt_cache_hit')]).toEqual([1, 1]);
  });

  it('finds a remembered token expired all the same', async () => {
    const { run, system } = setUp();
    const token = await first.sign({ exp: Math.floor(system.clock.wallTimeMs() / 1000) + 10 });
    expect((await run(token)).verdict).toBe('200');
    await system.clock.advance(71_000);
    expect((await run(token)).verdict).toBe('Jwt is expired');
  });

  it('looks only where it is told to, and leaves the rest of a query as it was', async () => {
    const token = await first.sign({});
    const { run } = setUp({
      provider: { ...LOCAL, fromParams: ['tok'], fromHeaders: [{ name: 'X-Jwt', valuePrefix: 'Tok ' }], fromCookies: ['ck'] },
    });
    expect((await run(token)).verdict).toBe('Jwt is missing');
    expect((await run(undefined, { path: `/x?b=%20&tok=${token}&a` })).passed?.path).toBe('/x?b=%20&a');
    expect((await run(undefined, {}, ['x-jwt', `Tok ${token}`])).verdict).toBe('200');
    expect((await run(undefined, {}, ['cookie', `a=b; ck=${token}`])).verdict).toBe('200');
  });

  it('hands the token on when it should, and the payload as it came', async () => {
    const token = await first.sign({});
    const { run } = setUp({ provider: { ...LOCAL, forward: true, forwardPayloadHeader: 'x-payload', padForwardPayloadHeader: true } });
    const { passed } = await run(token, {}, ['x-payload', 'forged']);
    expect(passed?.headers.get('authorization')).toBe(`Bearer ${token}`);
    const payload = token.split('.')[1] ?? '';
    expect(passed?.headers.getAll('x-payload')).toEqual([payload + '='.repeat((4 - (payload.length % 4)) % 4)]);
  });

  it('lets preflights pass when told to', async () => {
    const { run, stat } = setUp({ more: { bypassCorsPreflight: true } });
    const preflight: [string, string][] = [
      ['origin', 'http://a'],
      ['access-control-request-method', 'PUT'],
    ];
    expect((await run(undefined, { method: 'OPTIONS' }, ...preflight)).verdict).toBe('200');
    expect((await run(undefined, {}, ...preflight)).verdict).toBe('Jwt is missing');
    expect([stat('cors_preflight_bypassed'), stat('denied')]).toEqual([1, 1]);
  });

  it('asks for an expiry, and for one that is not too far, where the provider does', async () => {
    const strict = setUp({ provider: { ...LOCAL, requireExpiration: true } });
    expect((await strict.run(await first.sign({}))).verdict).toBe('Jwt verification fails');
    const short = setUp({ provider: { ...LOCAL, maxLifetime: '60s' } });
    const now = Math.floor(short.system.clock.wallTimeMs() / 1000);
    expect((await short.run(await first.sign({ exp: now + 30 }))).verdict).toBe('200');
    expect((await short.run(await first.sign({ exp: now + 90 }))).verdict).toBe('Jwt verification fails');
  });

  it('lets a route go without, or name its own requirement', async () => {
    const more = { requirementMap: { lax: { requiresAny: { requirements: [{ providerName: 'p' }, { allowMissing: {} }] } } } };
    expect((await setUp({ more, route: { disabled: true } }).run(undefined)).verdict).toBe('200');
    expect((await setUp({ more, route: { requirementName: 'lax' } }).run(undefined)).verdict).toBe('200');
    expect((await setUp({ more, route: { requirementName: 'lax' } }).run('x')).verdict).toContain('two dots');
    expect(() => setUp({ more, route: { requirementName: 'no' } })).toThrow('requirement_name');
  });

  it('refuses what it does not do, with its path', () => {
    expect(() => setUp({ provider: { ...LOCAL, failedStatusInMetadata: 'x' } })).toThrow('providers[p].failed_status_in_metadata');
    expect(() => setUp({ more: { filterStateRules: { name: 'x' } } })).toThrow('filter_state_rules');
    expect(() => setUp({ provider: { issuer: 'x' } })).toThrow('providers[p].jwks_source_specifier: is required');
    expect(() => setUp({ more: { rules: [{ match: { prefix: '/' }, requires: { providerName: 'q' } }] } })).toThrow('rules[0].requires');
  });
});

describe('keys from elsewhere', () => {
  const remote = { issuer: ISSUER, remoteJwks: REMOTE };

  it('are fetched once, from the cluster, and kept for their time', async () => {
    const asked: string[] = [];
    const { run, system, stat } = setUp({
      provider: remote,
      upstream: ({ authority, path }) => {
        asked.push(authority + path);
        return Promise.resolve(answer(200, keys(first.jwk)));
      },
    });
    const token = await first.sign({});
    expect((await run(token)).verdict).toBe('200');
    expect((await run(token)).verdict).toBe('200');
    expect(asked).toEqual(['keys.example/jwks?x=1']);
    await system.clock.advance(61_000);
    await run(token);
    expect([asked.length, stat('jwks_fetch_success')]).toEqual([2, 2]);
  });

  it('that were taken away stop working, those that came work', async () => {
    let served = keys(first.jwk);
    const { run, system } = setUp({ provider: remote, upstream: () => Promise.resolve(answer(200, served)) });
    const [old, young] = [await first.sign({}), await second.sign({})];
    expect([(await run(old)).verdict, (await run(young)).verdict]).toEqual(['200', "Jwks doesn't have key to match kid or alg from Jwt"]);
    served = keys(second.jwk);
    await system.clock.advance(61_000);
    expect([(await run(old)).verdict, (await run(young)).verdict]).toEqual(["Jwks doesn't have key to match kid or alg from Jwt", '200']);
  });

  it('stay in force while they cannot be fetched anew, but only for tokens that end by themselves', async () => {
    let works = true;
    const { run, system } = setUp({
      provider: remote,
      upstream: () => (works ? Promise.resolve(answer(200, keys(first.jwk))) : Promise.reject(new StreamError('UF', { codeDetails: 'x' }))),
    });
    const endless = await first.sign({});
    const ending = await first.sign({ exp: Math.floor(system.clock.wallTimeMs() / 1000) + 3600 });
    expect((await run(endless)).verdict).toBe('200');
    works = false;
    await system.clock.advance(61_000);
    expect([(await run(ending)).verdict, (await run(endless)).verdict]).toEqual(['200', 'Jwks remote fetch is failed']);
  });

  it.each([
    ['an error', answer(500, '')],
    ['a redirect', { ...answer(302, ''), headers: HeaderMap.of(['location', 'http://169.254.169.254/']) }],
    ['HTML', answer(200, '<html>')],
    ['no keys', answer(200, '{"keys":[]}')],
    ['2 MiB', answer(200, `{"keys":[],"x":"${'x'.repeat(2 << 20)}"}`)],
  ])('are none when the answer is %s: every token is refused, and the next fetch waits', async (_what, served) => {
    let asked = 0;
    const { run, system, stat } = setUp({
      provider: remote,
      upstream: () => {
        asked++;
        return Promise.resolve(served);
      },
    });
    const token = await first.sign({});
    expect((await run(token)).verdict).toBe('Jwks remote fetch is failed');
    expect((await run(token)).verdict).toBe('Jwks remote fetch is failed');
    expect([asked, stat('jwks_fetch_failed')]).toEqual([1, 1]);
    await system.clock.advance(300);
    await run(token);
    expect(asked).toBe(2);
  });

  it('are given up when they take longer than they may, and many requests wait for one fetch', async () => {
    let asked = 0;
    const { run, system } = setUp({
      provider: remote,
      upstream: () => {
        asked++;
        return new Promise(() => {});
      },
    });
    const token = await first.sign({});
    const waiting = [await run(token), await run(token)];
    expect(waiting.map(({ verdict }) => verdict)).toEqual(['', '']);
    await system.clock.advance(2001);
    expect([asked, ...waiting.map(({ verdict }) => verdict)]).toEqual([1, 'Jwks remote fetch is failed', 'Jwks remote fetch is failed']);
  });
});
