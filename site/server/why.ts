/** Why a request was refused, or let through: what the proxies told of it, explained by the control plane from the policies of now. */
import type { ControlPlaneClient } from '#environment';
import { callFacts, type LoggedExchange } from '#observability';
import { OrderError } from './sender.ts';
import type { ToldVerdict } from './told.ts';

/** One story for each workload and gateway that was asked, in the order in which they told. Rejects with OrderError when nobody was. */
export const explainRequest = async (
  exchanges: readonly LoggedExchange[],
  controlPlane: Pick<ControlPlaneClient, 'explain'>,
): Promise<readonly ToldVerdict[]> => {
  const judged = exchanges.filter(({ side }) => side !== 'outbound');
  if (judged.length === 0)
    throw new OrderError('No workload of this mesh was asked with that request id; only the last few thousand are remembered.');
  const told: ToldVerdict[] = [];
  for (const exchange of judged)
    told.push({
      workload: exchange.reporter,
      caller: exchange.downstreamPeer,
      method: exchange.method,
      path: exchange.path,
      status: exchange.status,
      details: exchange.details,
      story: await controlPlane.explain(exchange.reporter, callFacts(exchange)),
    });
  return told;
};
