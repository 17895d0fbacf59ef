/** SPIFFE IDs of workloads, parsed and written: the only parser. Source: SPIFFE-ID §2, and Istio's form `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`. */

/** Who a workload is. */
export interface SpiffeId {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
/** Path segments as SPIFFE-ID §2.2 allows them; names of Kubernetes are narrower still. */
const SEGMENT = /^[a-zA-Z0-9._-]{1,253}$/;

const isSegment = (text: string): boolean => SEGMENT.test(text) && text !== '.' && text !== '..';

/** Undefined for anything but a workload's ID to the letter: no query, no escapes, no upper-case trust domain, no empty or dot segment. */
export const parseSpiffeId = (uri: string): SpiffeId | undefined => {
  if (uri.length > 2048 || !uri.startsWith('spiffe://')) return undefined;
  const [trustDomain = '', ns, namespace = '', sa, serviceAccount = '', ...rest] = uri.slice('spiffe://'.length).split('/');
  if (ns !== 'ns' || sa !== 'sa' || rest.length > 0) return undefined;
  if (!TRUST_DOMAIN.test(trustDomain) || !isSegment(namespace) || !isSegment(serviceAccount)) return undefined;
  return { trustDomain, namespace, serviceAccount };
};

/** `spiffe://cluster.local/ns/default/sa/bookinfo-reviews` */
export const formatSpiffeId = ({ trustDomain, namespace, serviceAccount }: SpiffeId): string =>
  `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
