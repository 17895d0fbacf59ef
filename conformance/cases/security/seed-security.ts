/** The two security documents of the project's founding text, unchanged but for the indentation that its copy had lost, and the case that applies them. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { DENIED_BODY } from './policies.ts';
import { answerInPlainText, answerOver, fate, MESH_ALPN } from './strangers.ts';

/** STRICT for a namespace; one caller and one method for reviews there. */
export const SEED_SECURITY = `# Enforce mTLS for all services in namespace
apiVersion: security.istio.io/v1beta1
kind: PeerAuthentication
metadata:
  name: default
  namespace: production
spec:
  mtls:
    mode: STRICT
---
# Authorization: Only service A can call service B
apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata:
  name: reviews-viewer
  namespace: production
spec:
  selector:
    matchLabels:
      app: reviews
  action: ALLOW
  rules:
  - from:
    - source:
        principals: ["cluster.local/ns/production/sa/productpage"]
    to:
    - operation:
        methods: ["GET"]
`;

const URL_OF_REVIEWS = 'http://reviews.production.svc.cluster.local:9080/reviews/0';

/** SEC-SEED-001. */
export const seedSecurity: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-SEED-001',
    claim: 'Under the seed’s policies only productpage of production may GET reviews there, over mutual TLS; plain text gets nothing.',
    source: 'seed, security',
    profile: 'core',
    apply: SEED_SECURITY,
    killedBy: ['MUT-STRICT-TAKES-PLAIN-TEXT', 'MUT-AUTHZ-METHOD-IGNORED'],
    labs: [],
    async run(mesh) {
      const ask = async (from: string, method = 'GET'): Promise<readonly [number, string]> => {
        const { status, body } = await mesh.send({ from, method, url: URL_OF_REVIEWS });
        return [status, status === 200 ? '' : body];
      };
      expectEqual('GET by productpage', await ask('production-productpage'), [200, '']);
      expectEqual('POST by productpage', await ask('production-productpage', 'POST'), [403, DENIED_BODY]);
      expectEqual('GET by productpage of another namespace', await ask('productpage-v1'), [403, DENIED_BODY]);
      expectEqual('GET by reviews itself', await ask('production-reviews'), [403, DENIED_BODY]);
      expectEqual('all that plain text gets', await answerInPlainText(mesh, 'production-reviews'), '');
      const foreign = await answerOver(mesh, 'production-reviews', { signedBy: 'foreign', alpn: MESH_ALPN });
      expectEqual('fate of a certificate of a foreign root', fate(foreign), 'refused');
    },
  }),
];
