/** Where proxies ask for what a resource names. */
import { toDuration } from './pack.ts';

/** "Ask on the stream that this came on." */
export const ADS = {
  configSourceSpecifier: { $case: 'ads', value: {} },
  resourceApiVersion: 2,
  initialFetchTimeout: toDuration(0),
} as const;

/** "Ask your own agent": keys never come over the network. */
export const AGENT = {
  configSourceSpecifier: {
    $case: 'apiConfigSource',
    value: {
      apiType: 2,
      transportApiVersion: 2,
      grpcServices: [{ targetSpecifier: { $case: 'envoyGrpc', value: { clusterName: 'sds-grpc' } } }],
      setNodeOnFirstMessageOnly: true,
    },
  },
  resourceApiVersion: 2,
  initialFetchTimeout: toDuration(0),
} as const;
