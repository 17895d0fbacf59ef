import { describe, expect, it } from 'vitest';
import { Any } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { EMPTY_BODY } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../../http/message.ts';
import { StreamError } from '../../http/stream-error.ts';
import { StreamRecord } from '../../http/stream-record.ts';
import { filterRoom } from '../filter-room.fixture.ts';
import { jwtAuthn } from '../jwt-authn.ts';
import { FILTER_CONFIG, NOW, TOKEN_ROWS, type TokenRow, textOf } from './hostile-tokens.fixture.ts';

const system = simulatedSystem();
const clock = { ...system.clock, wallTimeMs: () => NOW * 1000 };
const filter = jwtAuthn.compile(
  Any.fromJSON({ '@type': jwtAuthn.typeUrl, ...FILTER_CONFIG }),
  filterRoom({ system: { ...system, clock } }),
);

const run = async ({ path, headers }: Pick<TokenRow, 'path' | 'headers'>) => {
  const here = { address: '10.0.0.2', port: 1 };
  const stream = new StreamRecord(1, { id: 1, local: here, remote: here }, 0, 0);
  const request: HttpRequest = {
    ...{ method: 'GET', scheme: 'http', authority: 'a', path, body: EMPTY_BODY, trailers: NO_TRAILERS },
    headers: HeaderMap.of(...headers),
  };
  let passed: HttpRequest | undefined;
  try {
    await filter?.(request, stream, (changed) => {
      passed = changed;
      return Promise.resolve({ status: 200, headers: HeaderMap.EMPTY, body: EMPTY_BODY, trailers: NO_TRAILERS });
    });
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    return { verdict: error.text, status: error.status, passed, stream };
  }
  return { verdict: '', status: 200, passed, stream };
};

describe('hostile tokens', () => {
  it.each(TOKEN_ROWS.map((row) => [`${row.id} ${row.what} (${row.source})`, row] as const))('%s', async (_name, row) => {
    const { verdict, status } = await run(row);
    expect([verdict, status]).toEqual([textOf(row.wanted), row.wanted === 'passes' ? 200 : row.wanted === 'audience' ? 403 : 401]);
  });

  it('takes none of them for longer than 50 ms', async () => {
    for (const row of TOKEN_ROWS) {
      const started = performance.now();
      await run(row);
      expect(performance.now() - started, row.what).toBeLessThan(50);
    }
  });

  it('never gives the client its own word for a claim, and hands the token on to nobody', async () => {
    const row = TOKEN_ROWS.find(({ what }) => what.startsWith('header of the client under'));
    const { passed, stream } = await run(row as TokenRow);
    expect(passed?.headers.getAll('x-role')).toEqual(['user']);
    expect(passed?.headers.getAll('x-n')).toEqual(['7']);
    expect(passed?.headers.getAll('x-nested')).toEqual(['b']);
    expect(passed?.headers.has('authorization')).toBe(false);
    expect(stream.metadata?.['envoy.filters.http.jwt_authn']).toMatchObject({ payload: { sub: 'ann' } });
  });

  it('has no claim by the name of a prototype', async () => {
    const row = TOKEN_ROWS.find(({ what }) => what === '__proto__');
    const { stream } = await run(row as TokenRow);
    const payload = stream.metadata?.['envoy.filters.http.jwt_authn']?.payload as Record<string, unknown>;
    expect(Object.getPrototypeOf(payload)).toBe(null);
    expect(payload.role).toBe(undefined);
    expect(({} as Record<string, unknown>).role).toBe(undefined);
  });
});
