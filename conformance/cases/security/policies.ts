/** What cases about authorization share: a policy for reviews, who asks, and what an allowed and a denied request look like. */
import type { Answer, Ask, MeshUnderTest } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { REVIEWS } from '../routing/reviews.ts';

/** As a policy names them: `principals`. */
export const PRODUCTPAGE = 'cluster.local/ns/default/sa/bookinfo-productpage';
/** The one of another namespace. */
export const VISITOR = 'cluster.local/ns/elsewhere/sa/bookinfo-visitor';

/** Callers by the words of claims. */
export const FROM_PRODUCTPAGE: Partial<Ask> = { from: 'productpage-v1' };
/** From another namespace, where names are longer. */
export const FROM_VISITOR: Partial<Ask> = { from: 'visitor-v1', url: 'http://reviews.default.svc.cluster.local:9080/reviews/0' };

/** What a denied client sees of all the reasons. */
export const DENIED_BODY = 'RBAC: access denied';

interface PolicyPlace {
  readonly name?: string;
  readonly namespace?: string;
  readonly annotations?: string;
}

/** An AuthorizationPolicy; spec: YAML, not indented. */
export const policy = (spec: string, { name = 'under-test', namespace = 'default', annotations = '{}' }: PolicyPlace = {}): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: ${name}
  namespace: ${namespace}
  annotations: ${annotations}
spec:
${spec.trim().replace(/^/gm, '  ')}
`;

/** The same for reviews only. */
export const reviewsPolicy = (spec: string, place: PolicyPlace = {}): string =>
  policy(`selector: { matchLabels: { app: reviews } }\n${spec.trim()}`, place);

/** Asks reviews once. */
export const askReviews = (mesh: MeshUnderTest, ask: Partial<Ask> = {}): Promise<Answer> => mesh.send({ url: REVIEWS, ...ask });

/** The program answers. */
export const expectAllowed = async (mesh: MeshUnderTest, who: string, ask: Partial<Ask> = {}): Promise<Answer> => {
  const answer = await askReviews(mesh, ask);
  expectEqual(`status for ${who}`, answer.status, 200);
  return answer;
};

/** The policy answers, with nothing but its four words. */
export const expectDenied = async (mesh: MeshUnderTest, who: string, ask: Partial<Ask> = {}): Promise<Answer> => {
  const answer = await askReviews(mesh, ask);
  expectEqual(`status and body for ${who}`, [answer.status, answer.body], [403, DENIED_BODY]);
  return answer;
};

/** What the denying proxy wrote down. */
export const detailsOf = async (answer: Answer): Promise<string> => (await answer.told(await answer.servedBy())).details;

/** A path of reviews. */
export const at = (path: string): Partial<Ask> => ({ url: `http://reviews:9080${path}` });
