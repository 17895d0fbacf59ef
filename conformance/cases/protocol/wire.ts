/** Raw HTTP/1.1 conversations through a sidecar: what a case writes, byte for byte, and what came back. */
import type { MeshUnderTest } from '../../define-case.ts';
import { expectEqual, expectThat } from '../../expect.ts';

const CLUSTER = 'cluster.outbound|9080||reviews.default.svc.cluster.local';

/** Head lines joined by CRLF, and the empty line. */
export const head = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

/** Whom the conversations are with. */
export const HOST = 'Host: reviews:9080';

/** A request hidden behind another: whoever answers it has been smuggled to. */
export const SMUGGLED = head('GET /smuggled HTTP/1.1', HOST);

/** Everything that the sidecar says until it closes. */
export const converse = async (mesh: MeshUnderTest, bytes: string): Promise<string> => {
  await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
  wire.write(bytes);
  return await wire.untilClosed();
};

/** First line of each response in a text of responses. */
export const statuses = (text: string): number[] => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

/** Body of the first response that has a head in the text. */
export const afterHead = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);

/** How many requests and connections the caller's sidecar has sent to reviews so far. */
export const upstream = async (mesh: MeshUnderTest): Promise<{ requests: number; connections: number }> => ({
  requests: await mesh.stat('productpage-v1', `${CLUSTER}.upstream_rq_total`),
  connections: await mesh.stat('productpage-v1', `${CLUSTER}.upstream_cx_total`),
});

/** The sidecar answers `status`, closes, and sends nothing upstream. */
export const expectRefused = async (mesh: MeshUnderTest, bytes: string, status: number): Promise<void> => {
  const before = await upstream(mesh);
  const text = await converse(mesh, bytes);
  expectEqual('statuses until the connection closed', statuses(text), [status]);
  expectThat('answer', !text.includes('smuggled'), 'no echo of what came behind', text);
  expectEqual('requests sent upstream', (await upstream(mesh)).requests - before.requests, 0);
};

/** The same as the `run` of a case. */
export const refused =
  (bytes: string, status: number) =>
  (mesh: MeshUnderTest): Promise<void> =>
    expectRefused(mesh, bytes, status);
