/** The authority over HTTP: tokens for workloads that start, what was issued, and the change of roots. Never a key. */
import type { MiddlewareHandler } from 'hono';
import { Hono } from 'hono';
import { formatSpiffeId, parseSpiffeId } from '#api/spiffe-id.ts';
import { TOKEN_LIFE_MS } from './attestation.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { ROTATION_STEPS, TooEarly } from './trust-bundle.ts';

/** What is served. */
export interface IdentityApiOptions {
  readonly authority: CertificateAuthority;
  readonly trustDomain: string;
  /** Lets only those through that may change something. */
  readonly guard: MiddlewareHandler;
  /** Workloads whose proxies have not acknowledged what is in force. */
  readonly behind: () => readonly string[];
}

const WORD = /^[a-zA-Z0-9._-]{1,253}$/;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

/** Routes: POST /identity/tokens, GET /identity/authority, POST /identity/rotation. */
export const createIdentityApi = ({ authority, trustDomain, guard, behind }: IdentityApiOptions): Hono => {
  const api = new Hono();
  api.post('/identity/tokens', guard, async (context) => {
    const body: unknown = await context.req.json().catch(() => undefined);
    const { namespace, serviceAccount, workload } = isRecord(body) ? body : {};
    const identity = parseSpiffeId(`spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`);
    const isNamed = workload === undefined || (typeof workload === 'string' && WORD.test(workload));
    if (identity === undefined || typeof namespace !== 'string' || typeof serviceAccount !== 'string' || !isNamed)
      return context.json({ error: 'expected {"namespace": NAME, "serviceAccount": NAME, "workload": NAME or absent}' }, 400);
    const token = authority.admit({ identity, ...(typeof workload === 'string' && { holder: workload }) });
    return context.json({ token, spiffeId: formatSpiffeId(identity), expiresInSeconds: TOKEN_LIFE_MS / 1_000 });
  });
  api.get('/identity/authority', (context) => context.json(authority.report()));
  api.post('/identity/rotation', guard, async (context) => {
    const body: unknown = await context.req.json().catch(() => undefined);
    const step = ROTATION_STEPS.find((one) => isRecord(body) && body.step === one);
    const importFrom = isRecord(body) ? body.importFrom : undefined;
    if (step === undefined || !(importFrom === undefined || (typeof importFrom === 'string' && step === 'begin')))
      return context.json(
        { error: `expected {"step": ${ROTATION_STEPS.join(' | ')}, "importFrom": FOLDER, with begin only, or absent}` },
        400,
      );
    try {
      await authority.rotate(step, { behind: behind(), ...(typeof importFrom === 'string' && { importFrom }) });
      return context.json(authority.report());
    } catch (error) {
      return context.json({ error: error instanceof Error ? error.message : String(error) }, error instanceof TooEarly ? 409 : 400);
    }
  });
  return api;
};
