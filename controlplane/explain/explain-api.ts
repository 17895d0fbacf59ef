/** Why a call went as it did, by the policies of now: `POST /explain {"workload": NAME[.NAMESPACE], "facts": {…}}`. Changes nothing. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { policiesFor, tokenPoliciesFor } from '../mesh/effective-policy.ts';
import { type Mesh, type ProxyNode, trustDomainsOf } from '../mesh/mesh.ts';
import { explain } from './explain.ts';
import { readFacts } from './read-facts.ts';

/** The live views that explanations are made from. */
export interface ExplainViews {
  readonly mesh: () => Mesh;
  readonly proxies: () => readonly ProxyNode[];
}

const MOST_BYTES = 65_536;

const USAGE = 'expected {"workload": NAME[.NAMESPACE], "facts": {…}}';

const isCalled = ({ id, workload, namespace }: ProxyNode, wanted: unknown): boolean =>
  typeof wanted === 'string' && [workload, `${workload}.${namespace}`, id].includes(wanted);

/** Route: POST /explain. */
export const createExplainApi = ({ mesh, proxies }: ExplainViews): Hono => {
  const api = new Hono();
  const limit = bodyLimit({ maxSize: MOST_BYTES, onError: (context) => context.json({ error: `more than ${MOST_BYTES} bytes` }, 413) });
  api.post('/explain', limit, async (context) => {
    const body: unknown = await context.req.json().catch(() => undefined);
    if (typeof body !== 'object' || body === null || !('workload' in body) || !('facts' in body))
      return context.json({ error: USAGE }, 400);
    const facts = readFacts(body.facts);
    if (!facts) return context.json({ error: USAGE }, 400);
    const proxy = proxies().find((one) => isCalled(one, body.workload));
    if (!proxy) return context.json({ error: `no proxy is called ${String(body.workload).slice(0, 100)}` }, 404);
    const now = mesh();
    return context.json(
      explain({ policies: policiesFor(now, proxy), trustDomains: trustDomainsOf(now.config), tokens: tokenPoliciesFor(now, proxy) }, facts),
    );
  });
  return api;
};
