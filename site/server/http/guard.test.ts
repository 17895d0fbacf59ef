import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Site, startSite } from '../server.ts';
import { type SmallMesh, startSmallMesh } from '../small-mesh.fixture.ts';

let small: SmallMesh;
let site: Site;
let port = '';
let key = '';

beforeAll(async () => {
  small = await startSmallMesh();
  site = await startSite({ environment: small.mesh, load: 0 });
  port = new URL(site.url).port;
  key = new URL(site.url).hash.slice('#key='.length);
});

afterAll(async () => {
  await site.close();
  await small[Symbol.asyncDispose]();
});

interface Said {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

const ask = (method: string, path: string, headers: Record<string, string>, body = ''): Promise<Said> =>
  new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, method, path, headers: { host: `127.0.0.1:${port}`, ...headers } }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    asking.once('error', reject);
    asking.end(body);
  });

const JSON_TYPE = { 'content-type': 'application/json' };
const own = () => ({ ...JSON_TYPE, origin: `http://127.0.0.1:${port}` });

test('a foreign Host is refused for pages and for the API', async () => {
  for (const path of ['/', '/api/mesh']) expect((await ask('GET', path, { host: `evil.example:${port}` })).status).toBe(403);
});

test('an address in the request line that is not ours is refused, whatever Host says', async () => {
  expect((await ask('GET', 'http://evil.example/api/mesh', {})).status).toBe(403);
  expect((await ask('GET', `http://127.0.0.1:${port}/api/mesh`, {})).status).toBe(200);
});

test('a port in use is one sentence, and what had been started is ended', async () => {
  await expect(startSite({ environment: small.mesh, load: 0, port: Number(port) })).rejects.toThrow(
    `port ${port} of 127.0.0.1 is in use by another program`,
  );
});

test('a foreign, null or look-alike Origin is refused, and no origin is ever allowed in', async () => {
  for (const origin of ['http://evil.example', 'null', `http://localhost.evil.example:${port}`, 'http://127.0.0.1:1']) {
    const said = await ask('GET', '/api/mesh', { origin });
    expect(said.status).toBe(403);
    expect(said.headers['access-control-allow-origin']).toBeUndefined();
  }
});

test('a change without the session is refused, with it is let through', async () => {
  expect((await ask('POST', '/api/load', own(), '{"on":false}')).status).toBe(403);
  const opened = await ask('POST', '/api/session', own(), JSON.stringify({ key }));
  const cookie = String(opened.headers['set-cookie']).split(';')[0] ?? '';
  expect(String(opened.headers['set-cookie'])).toMatch(/HttpOnly.*SameSite=Strict/i);
  expect((await ask('POST', '/api/load', { ...own(), cookie }, '{"on":false}')).status).toBe(200);
  expect((await ask('POST', '/api/load', { ...own(), cookie, 'content-type': 'text/plain' }, '{"on":false}')).status).toBe(403);
  expect((await ask('POST', '/api/load', { ...JSON_TYPE, cookie }, '{"on":false}')).status).toBe(403);
});

const opened = async (): Promise<Record<string, string>> => {
  const said = await ask('POST', '/api/session', own(), JSON.stringify({ key }));
  return { ...own(), cookie: String(said.headers['set-cookie']).split(';')[0] ?? '' };
};

test.each(['', '{nope', '[1]', 'null', '"text"', '{"files":{}}', '{"files":[]}', '{"files":{"a.yaml":1}}'])(
  'the body %j is refused in words, and nothing is applied',
  async (body) => {
    const said = await ask('POST', '/api/apply', await opened(), body);
    expect(said.status).toBe(400);
    expect(JSON.parse(said.body)).toHaveProperty('error');
  },
);

test('a body that says it is larger than 512 KiB is refused before it is read', async () => {
  const headers = { host: `127.0.0.1:${port}`, ...(await opened()), 'content-length': String(600 * 1024) };
  const status = await new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, method: 'POST', path: '/api/apply', headers }, (response) => {
      resolve(response.statusCode);
      asking.destroy();
    });
    asking.on('error', reject);
    asking.flushHeaders();
  });
  expect(status).toBe(413);
});

test('a wrong key opens nothing', async () => {
  expect((await ask('POST', '/api/session', own(), '{"key":"guess"}')).status).toBe(403);
});

test('paths never leave the built site', async () => {
  for (const path of ['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/..\\package.json', '/a%00.js', '/%ff.js'])
    expect([400, 404, 503]).toContain((await ask('GET', path, {})).status);
});

test('every answer carries the strict content policy', async () => {
  const policy = String((await ask('GET', '/api/mesh', {})).headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe');
});

test('the sender reaches services of the mesh and nothing else', async () => {
  const opened = await ask('POST', '/api/session', own(), JSON.stringify({ key }));
  const cookie = String(opened.headers['set-cookie']).split(';')[0] ?? '';
  for (const url of ['http://169.254.169.254/', 'file:///etc/passwd', `http://127.0.0.1:${port}/api/load`]) {
    const said = await ask('POST', '/api/send', { ...own(), cookie }, JSON.stringify({ from: 'productpage-v1', url, count: 1 }));
    expect(said.status).toBe(400);
  }
});
