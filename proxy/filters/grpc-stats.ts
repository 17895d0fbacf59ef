/** Counts gRPC calls by how they ended, which HTTP status does not tell. Source: extensions.filters.http.grpc_stats.v3.FilterConfig. */
import { ConfigError, refuseUnsupported } from '#api/config-error.ts';
import { GrpcStats } from '#envoy';
import type { Metrics } from '#system/metrics.ts';
import type { HttpFilter } from '../http/filter.ts';
import { isGrpc, localReply } from '../http/local-reply.ts';
import type { HttpResponse } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { decodeConfig } from './decode-config.ts';
import type { FilterType } from './filter-type.ts';

const countEnd = (metrics: Metrics, cluster: string, prefix: string, status: string | undefined): void => {
  // An answer without a gRPC status is no end of a gRPC call; and clients do not choose names of counters.
  if (status === undefined || cluster === '' || !/^\d{1,3}$/.test(status)) return;
  const scope = metrics.scope('cluster', cluster);
  scope.counter(`${prefix}.${status}`).value++;
  scope.counter(`${prefix}.${status === '0' ? 'success' : 'failure'}`).value++;
  scope.counter(`${prefix}.total`).value++;
};

const statusOf = (response: HttpResponse): Promise<string | undefined> => {
  const inHead = response.headers.get('grpc-status');
  return inHead === undefined ? response.trailers.then((trailers) => trailers.get('grpc-status')) : Promise.resolve(inHead);
};

/** perMethod: a counter for each `/package.Service/Method`, other paths uncounted; otherwise one for all. Clients choose paths, so Envoy's default is one for all. */
const filterFor = (metrics: Metrics, { perMethod, undotted }: { readonly perMethod: boolean; readonly undotted: boolean }): HttpFilter => {
  return async (request, stream, next) => {
    if (!isGrpc(request)) return next(request, stream);
    const method = perMethod ? /^\/([\w.]{1,120})\/(\w{1,120})$/.exec(request.path) : undefined;
    if (method === null) return next(request, stream);
    const prefix = method ? `grpc.${undotted ? method[1]?.replaceAll('.', '_') : method[1]}.${method[2]}` : 'grpc';
    let response: HttpResponse;
    try {
      response = await next(request, stream);
    } catch (error) {
      if (error instanceof StreamError)
        countEnd(metrics, stream.clusterName, prefix, localReply(error, request).headers.get('grpc-status'));
      throw error;
    }
    // Trailers never reject; the count comes when they do, and nobody waits for it.
    void statusOf(response).then((status) => countEnd(metrics, stream.clusterName, prefix, status));
    return response;
  };
};

/** Acts on gRPC requests only. */
export const grpcStats: FilterType = {
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig',
  compile: (any, { system }) => {
    const config = decodeConfig(any, GrpcStats);
    refuseUnsupported(config, {
      read: ['perMethodStatSpecifier', 'replaceDotsInGrpcServiceName'],
      // For access loggers that this proxy does not have.
      ignored: ['emitFilterState'],
    });
    const specifier = config.perMethodStatSpecifier;
    if (specifier?.$case === 'individualMethodStatsAllowlist')
      throw new ConfigError('individual_method_stats_allowlist', 'not supported by this proxy');
    return filterFor(system.metrics, { perMethod: specifier?.value ?? false, undotted: config.replaceDotsInGrpcServiceName });
  },
};
