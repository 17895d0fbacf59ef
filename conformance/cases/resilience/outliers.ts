/** The configuration and the strikes that cases on ejection share. */
import type { MeshUnderTest } from '../../define-case.ts';
import { healthOf, reviewsCluster, rise } from '../counted.ts';
import { BEHAVE } from '../echoed.ts';
import { REVIEWS } from '../routing/reviews.ts';

/** The cluster of all three versions. */
export const ALL = reviewsCluster();

/** Three endpoints in turn, so that each gets every third request. outlier, more: YAML flow. */
export const watched = (outlier: string, more = ''): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  trafficPolicy:
    loadBalancer: { simple: ROUND_ROBIN }
    outlierDetection: ${outlier}
    ${more}
`;

/** One after another: the statuses in their order. script: what the program is asked to do. */
export const inTurn = async (mesh: MeshUnderTest, count: number, script: string, from = 'productpage-v1'): Promise<number[]> => {
  const statuses: number[] = [];
  const url = from === 'productpage-v1' ? REVIEWS : 'http://reviews.default:9080/reviews/0';
  for (let i = 0; i < count; i++) statuses.push((await mesh.send({ from, url, headers: { [BEHAVE]: script } })).status);
  return statuses;
};

/** How many of each status, as `200×10 503×5`. */
export const tally = (statuses: readonly number[]): string =>
  [...new Set(statuses)]
    .sort()
    .map((status) => `${status}×${statuses.filter((one) => one === status).length}`)
    .join(' ');

/** What the caller's proxy counts of ejections. */
export const ejections = async (mesh: MeshUnderTest, name: string, cluster = ALL): Promise<number> =>
  mesh.stat('productpage-v1', `${cluster}.outlier_detection.ejections_${name}`);

/** By how much each of them rises while `work` runs. */
export const ejectionsWhile = async (
  mesh: MeshUnderTest,
  names: readonly string[],
  work: () => Promise<unknown>,
  cluster = ALL,
): Promise<number[]> => {
  const rose = await rise(
    mesh,
    `${cluster}.outlier_detection`,
    names.map((name) => `ejections_${name}`),
    work,
  );
  return names.map((name) => rose[`ejections_${name}`] ?? 0);
};

/** Health flags of the three versions as the caller's proxy has them. */
export const healths = async (mesh: MeshUnderTest, caller = 'productpage-v1'): Promise<string[]> =>
  Promise.all(['v1', 'v2', 'v3'].map((version) => healthOf(mesh, ALL, `reviews-${version}`, caller)));

/** As `/clusters` writes it. */
export const EJECTED = '/failed_outlier_check';
