/** What is known of a call when somebody asks why it was refused. Pure. */
import type { Exchange } from '#api/exchange.ts';

const hostOf = (address: string): string | undefined => address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '') || undefined;

/** What our proxy recorded of a refusal; else what its log line says, of Envoy's too: headers and claims are not in it. */
export const callFacts = ({ authz, details, refused, ...line }: Exchange): object => {
  if (authz) return { principal: '', serverName: '', ...authz, details };
  const remote = hostOf(line.downstreamRemote);
  return {
    ...(refused === undefined
      ? { method: line.method, path: line.path.replace(/[?#].*/s, ''), host: line.authority }
      : { sourceIp: remote }),
    principal: line.downstreamPeer,
    remoteIp: remote,
    destinationIp: hostOf(line.downstreamLocal),
    port: Number(/\d+$/.exec(line.downstreamLocal)?.[0]),
    details,
    ...(details.startsWith('rbac_access_denied') && { action: details.endsWith('[none]') ? 'ALLOW' : 'DENY' }),
  };
};
