/** Where the bootstrap says the control plane is: ads_config → cluster → its first endpoint. */
import { ConfigError } from '#api/config-error.ts';
import type { Bootstrap } from '#envoy';
import type { SocketAddress } from '#system/network.ts';

const PATH = 'dynamic_resources.ads_config';

/** Name of the static cluster that leads to the control plane; gRPC speaks to it by itself, so it is none of the proxy's own clusters. */
export const controlPlaneCluster = (bootstrap: Bootstrap): string | undefined => {
  const target = bootstrap.dynamicResources?.adsConfig?.grpcServices[0]?.targetSpecifier;
  return target?.$case === 'envoyGrpc' ? target.value.clusterName : undefined;
};

/** Where a stream leads: a port, or a socket in the file system. */
export type StreamAddress = SocketAddress | { readonly pipe: string };

/** Of a static cluster that gRPC speaks to by itself. Throws ConfigError when there is none, or it is not plain text. */
export const streamAddress = (bootstrap: Bootstrap, name: string): StreamAddress => {
  const cluster = bootstrap.staticResources?.clusters.find((candidate) => candidate.name === name);
  if (!cluster) throw new ConfigError('', `there is no static cluster ${name}`);
  if (cluster.transportSocket) throw new ConfigError(`static cluster ${name}: transport_socket`, 'TLS to it is not supported');
  const host = cluster.loadAssignment?.endpoints[0]?.lbEndpoints[0]?.hostIdentifier;
  const address = host?.$case === 'endpoint' ? host.value.address?.address : undefined;
  if (address?.$case === 'pipe' && address.value.path !== '') return { pipe: address.value.path };
  if (address?.$case !== 'socketAddress' || address.value.portSpecifier?.$case !== 'portValue')
    throw new ConfigError(
      `static cluster ${name}: load_assignment`,
      'an endpoint with a socket address and a port number, or a pipe, is needed',
    );
  return { address: address.value.address, port: address.value.portSpecifier.value };
};

/** Throws ConfigError when the bootstrap does not lead to a plain-text address. */
export const controlPlaneAddress = (bootstrap: Bootstrap): SocketAddress => {
  const target = bootstrap.dynamicResources?.adsConfig?.grpcServices[0]?.targetSpecifier;
  if (target?.$case !== 'envoyGrpc') throw new ConfigError(`${PATH}.grpc_services`, 'an envoy_grpc service is needed');
  const name = target.value.clusterName;
  const cluster = bootstrap.staticResources?.clusters.find((candidate) => candidate.name === name);
  if (!cluster) throw new ConfigError(`${PATH}.grpc_services[0].envoy_grpc.cluster_name`, `there is no static cluster ${name}`);
  if (cluster.transportSocket)
    throw new ConfigError(`static cluster ${name}: transport_socket`, 'TLS to the control plane is not supported');
  const host = cluster.loadAssignment?.endpoints[0]?.lbEndpoints[0]?.hostIdentifier;
  const address = host?.$case === 'endpoint' ? host.value.address?.address : undefined;
  if (address?.$case !== 'socketAddress' || address.value.portSpecifier?.$case !== 'portValue')
    throw new ConfigError(`static cluster ${name}: load_assignment`, 'an endpoint with a socket address and a port number is needed');
  return { address: address.value.address, port: address.value.portSpecifier.value };
};
