/** What a policy says about the operation → Envoy permissions. Pure. Source: istio pilot/pkg/security/authz/model. */
import type { Any, Permission } from '#envoy';
import { pack } from '../pack.ts';
import { type Attribute, each, type Logic } from './attribute.ts';
import { rangeOf } from './ranges.ts';
import { headerMatcher, wildcardMatcher } from './wildcards.ts';

/** How permissions combine. */
export const PERMISSIONS: Logic<Permission> = {
  anything: { rule: { $case: 'any', value: true } },
  and: (rules) => ({ rule: { $case: 'andRules', value: { rules: [...rules] } } }),
  or: (rules) => ({ rule: { $case: 'orRules', value: { rules: [...rules] } } }),
  not: (rule) => ({ rule: { $case: 'notRule', value: rule } }),
};

const eachRule = (one: (value: string) => Permission['rule'] | undefined) =>
  each(PERMISSIONS, (value) => {
    const rule = one(value);
    return rule && { rule };
  });

/** The port that the workload listens on, not the service's. */
const portOf = (value: string): Permission['rule'] => {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 65_536;
  return port > 65_535 ? undefined : { $case: 'destinationPort', value: port };
};

/** Prefix and suffix may be part of a template too, but Istio's asterisks then mean themselves. */
const TEMPLATE = /\{\*{1,2}\}/;

const pathOf = (value: string): Permission['rule'] => {
  if (!TEMPLATE.test(value)) return { $case: 'urlPath', value: { rule: { $case: 'path', value: wildcardMatcher(value) } } };
  const pathTemplate = value.replaceAll('{*}', '*').replaceAll('{**}', '**');
  const typedConfig = pack('envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig', { pathTemplate }) as Any;
  return { $case: 'uriTemplate', value: { name: 'uri-template', typedConfig } };
};

const destinationIp = eachRule((value) => {
  const range = rangeOf(value);
  return range && { $case: 'destinationIp', value: range };
});

/** Fields of an operation, in the order of Istio's output. Hosts are compared without case and with their port. */
export const OPERATION: Readonly<Record<'hosts' | 'methods' | 'paths' | 'ports', Attribute<Permission>>> = {
  hosts: { http: true, any: eachRule((value) => ({ $case: 'header', value: headerMatcher(':authority', value, 'any case') })) },
  methods: { http: true, any: eachRule((value) => ({ $case: 'header', value: headerMatcher(':method', value) })) },
  paths: { http: true, any: eachRule(pathOf) },
  ports: { http: false, any: eachRule(portOf) },
};

/** Conditions about the operation, by key. */
export const operationCondition = (key: string): Attribute<Permission> | undefined => {
  if (key === 'destination.ip') return { http: false, any: destinationIp };
  if (key === 'destination.port') return OPERATION.ports;
  if (key !== 'connection.sni') return undefined;
  return { http: false, any: eachRule((value) => ({ $case: 'requestedServerName', value: wildcardMatcher(value) })) };
};
