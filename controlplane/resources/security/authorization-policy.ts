/** AuthorizationPolicy: who may do what. Source: istio.io/api security/v1 authorization_policy.proto. */
import { listOf, object, oneOf, str } from '../shape.ts';
import { SELECTION } from './selection.ts';

const texts = listOf(str);

const source = object({
  principals: texts,
  notPrincipals: texts,
  requestPrincipals: texts,
  notRequestPrincipals: texts,
  namespaces: texts,
  notNamespaces: texts,
  serviceAccounts: texts,
  notServiceAccounts: texts,
  trustDomains: texts,
  notTrustDomains: texts,
  ipBlocks: texts,
  notIpBlocks: texts,
  remoteIpBlocks: texts,
  notRemoteIpBlocks: texts,
});

const operation = object({
  hosts: texts,
  notHosts: texts,
  ports: texts,
  notPorts: texts,
  methods: texts,
  notMethods: texts,
  paths: texts,
  notPaths: texts,
});

const rule = object({
  from: listOf(object({ source })),
  to: listOf(object({ operation })),
  when: listOf(object({ key: str, values: texts, notValues: texts })),
});

/** The fields that an AuthorizationPolicy's spec may have. */
export const authorizationPolicyShape = object({
  ...SELECTION,
  action: oneOf('ALLOW', 'DENY', 'AUDIT', 'CUSTOM'),
  provider: object({ name: str }),
  rules: listOf(rule),
});

/** An AuthorizationPolicy as people write it. */
export type AuthorizationPolicySpec = ReturnType<typeof authorizationPolicyShape.typeOf>;
/** One of its rules. */
export type AuthorizationRule = NonNullable<AuthorizationPolicySpec['rules']>[number];
