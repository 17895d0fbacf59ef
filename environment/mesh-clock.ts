/** The time of a whole mesh of processes: the control plane's and every proxy's go forward together, in one call. */

const FRESH = { connection: 'close' };
const TIMEOUT_MS = 10_000;

/** Whose clocks they are. */
export interface ClockedMesh {
  readonly dataPlane: string;
  readonly controlPlane: { readonly url: string; readonly token: string };
  /** Admin addresses of every proxy, gateways too. */
  readonly adminUrls: readonly string[];
}

const ask = async (url: string, request: RequestInit = {}): Promise<Response> => {
  try {
    return await fetch(url, { ...request, headers: { ...FRESH, ...request.headers }, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`${new URL(url).origin} does not answer: ${reason}`, { cause: error });
  }
};

const MACHINE_TIME = 'this mesh\'s time is the machine\'s: a mesh started with "npm start" or "dinghy up" has one that can be put forward';

const refuseEnvoy = ({ dataPlane }: ClockedMesh): void => {
  if (dataPlane === 'envoy')
    throw new Error("an Envoy's clock is the machine's and cannot be put forward: start the mesh with Dinghy's proxies");
};

/** How far its time is ahead of the machine's, milliseconds. Rejects where it is the machine's. */
export const readAheadMs = async ({ url }: { readonly url: string }): Promise<number> => {
  const answer = await ask(`${url}/clock`);
  if (!answer.ok) throw new Error(MACHINE_TIME);
  return ((await answer.json()) as { readonly aheadMs: number }).aheadMs;
};

/**
 * Puts all of them forward by ms, the control plane first: whoever renews a certificate then asks an authority that knows what time it is.
 * Gives how far the mesh is ahead afterwards. Rejects for Envoy, where time is the machine's, and when a process does not answer.
 */
export const advanceMesh = async (mesh: ClockedMesh, ms: number): Promise<number> => {
  refuseEnvoy(mesh);
  const { url, token } = mesh.controlPlane;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const answer = await ask(`${url}/clock`, { method: 'POST', headers, body: JSON.stringify({ advanceMs: ms }) });
  if (answer.status === 404) throw new Error(MACHINE_TIME);
  const told = (await answer.json()) as { readonly aheadMs?: number; readonly error?: string };
  if (told.aheadMs === undefined) throw new Error(`the control plane refused: ${told.error ?? answer.status}`);
  const shifted = await Promise.all(mesh.adminUrls.map((admin) => ask(`${admin}/clock?advance_ms=${ms}`, { method: 'POST' })));
  const refused = shifted.find(({ ok }) => !ok);
  if (refused !== undefined) throw new Error(`${new URL(refused.url).origin} was not put forward: ${await refused.text()}`);
  return told.aheadMs;
};
