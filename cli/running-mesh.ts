/** Which running mesh a verb is about, and talking to it. */
import type { ApplyResult, Problem } from '#api/resource.ts';
import { type RunFile, readRunFiles } from '#environment';

/** `--mesh`. */
export interface MeshOption {
  readonly mesh?: string;
}

/** The mesh of that name; without a name the only one. Throws when there is none, or more than one to choose from. */
export const chooseMesh = (runs: readonly RunFile[], name: string | undefined): RunFile => {
  const found = name === undefined ? runs : runs.filter((run) => run.name === name);
  const [first, second] = found;
  if (first === undefined)
    throw new Error(name === undefined ? 'no mesh is running; start one with "npm start"' : `no mesh called ${name} is running`);
  if (second !== undefined)
    throw new Error(`several meshes are running (${found.map((run) => run.name).join(', ')}); choose one with --mesh`);
  return first;
};

/** The chosen one of the meshes that run now. */
export const runningMesh = ({ mesh }: MeshOption): RunFile => chooseMesh(readRunFiles(), mesh);

/** Admin address of a workload's or gateway's proxy; throws with the names there are. `.namespace` may follow the name. */
export const adminUrlOf = (run: RunFile, name: string): string => {
  const all = [...run.workloads, ...run.gateways];
  const found = all.find((one) => one.name === name || ('namespace' in one && `${one.name}.${one.namespace}` === name));
  if (found === undefined) throw new Error(`no workload called ${name}; there are ${all.map((one) => one.name).join(', ')}`);
  return 'adminUrl' in found ? found.adminUrl : `http://${found.address}:15000`;
};

const TIMEOUT_MS = 10_000;

/** fetch, but its error says who does not answer and why. No kept connection: whoever answers may have been restarted since. */
const reach = async (url: string, request: RequestInit = {}): Promise<Response> => {
  try {
    return await fetch(url, { ...request, headers: { ...request.headers, connection: 'close' }, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`${new URL(url).origin} does not answer: ${reason}`, { cause: error });
  }
};

/** JSON of a page. Rejects with the status when it is not a success. */
export const readJson = async <T>(url: string): Promise<T> => {
  const answer = await reach(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  return (await answer.json()) as T;
};

/** A question that wants more than an address to be asked. Rejects with what the control plane said where it has no answer. */
export const askControlPlane = async <T>({ controlPlane }: RunFile, path: string, body: object): Promise<T> => {
  const headers = { 'content-type': 'application/json' };
  const answer = await reach(`${controlPlane.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const result = (await answer.json()) as T & { readonly error?: string };
  if (!answer.ok) throw new Error(`the control plane has no answer: ${result.error ?? answer.status}`);
  return result;
};

/** A call that changes the mesh, or only judges it. Problems come back in the result. */
export const change = async ({ controlPlane }: RunFile, path: string, body: object): Promise<ApplyResult> => {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${controlPlane.token}` };
  const answer = await reach(`${controlPlane.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const result = (await answer.json()) as ApplyResult & { readonly error?: string };
  if (result.error !== undefined) throw new Error(`the control plane refused: ${result.error}`);
  return result;
};

/** `file:line:column: severity [code]: resource path: message`; without a place for what is in no file. */
export const problemLine = ({ file, line, column, severity, code, resource, path, message }: Problem): string => {
  const subject = [resource, path].filter((part) => part !== '').join(' ');
  const place = file === '' ? '' : `${file}:${line}:${column}: `;
  return `${place}${severity}${code === '' ? '' : ` [${code}]`}: ${subject === '' ? '' : `${subject}: `}${message}`;
};
