/** What MeshConfig must obey beyond its shape. Paths start at `spec`, wherever the settings stand. Source: istio pkg/config/validation/agent, extensionproviders. */
import { checkDuration, checkPort, fail, hostFault, isDnsLabel, repeated } from '../checks.ts';
import type { MeshSettings } from '../mesh/settings.ts';
import type { Complaint } from '../problem.ts';

type Provider = NonNullable<MeshSettings['extensionProviders']>[number];

/** Also for what comes from a file. */
export const validateMeshSettings = (settings: MeshSettings): readonly Complaint[] => {
  const { rootNamespace, trustDomain, trustDomainAliases = [], extensionProviders = [] } = settings;
  const complaints = extensionProviders.flatMap(checkProvider);
  if (rootNamespace !== undefined && !isDnsLabel(rootNamespace))
    complaints.push(fail('spec.rootNamespace', `"${rootNamespace.slice(0, 80)}" is not a namespace`));
  if (trustDomain !== undefined) complaints.push(...checkTrustDomain(trustDomain, 'spec.trustDomain'));
  complaints.push(...trustDomainAliases.flatMap((alias, index) => checkTrustDomain(alias, `spec.trustDomainAliases[${index}]`)));
  for (const name of repeated(extensionProviders.map((provider) => provider.name ?? '')))
    complaints.push(fail('spec.extensionProviders', `duplicate extension provider name ${name}`));
  return complaints;
};

/** As SPIFFE has it: what is compared with certificates letter by letter must have one spelling. */
const checkTrustDomain = (domain: string, path: string): Complaint[] =>
  /^[a-z0-9._-]{1,255}$/.test(domain)
    ? []
    : [fail(path, `"${domain.slice(0, 80)}" is not a trust domain: lower-case letters, digits, ".", "-" and "_", at most 255`)];

const checkProvider = (provider: Provider, index: number): Complaint[] => {
  const path = `spec.extensionProviders[${index}]`;
  const { name = '', envoyExtAuthzHttp, envoyExtAuthzGrpc } = provider;
  const complaints = name === '' ? [fail(path, 'empty extension provider name')] : [];
  const settings = envoyExtAuthzHttp ?? envoyExtAuthzGrpc;
  if (settings === undefined || (envoyExtAuthzHttp && envoyExtAuthzGrpc))
    return [...complaints, fail(path, 'one of envoyExtAuthzHttp, envoyExtAuthzGrpc is required: no other kind of provider is supported')];
  const at = `${path}.${envoyExtAuthzHttp ? 'envoyExtAuthzHttp' : 'envoyExtAuthzGrpc'}`;
  complaints.push(...checkService(settings.service, at), ...checkDuration(settings.timeout, `${at}.timeout`));
  if (settings.port === undefined) complaints.push(fail(at, 'port is required'));
  complaints.push(...checkPort(settings.port, `${at}.port`), ...checkStatus(settings.statusOnError, `${at}.statusOnError`));
  const prefix = envoyExtAuthzHttp?.pathPrefix;
  if (prefix && !prefix.startsWith('/')) complaints.push(fail(`${at}.pathPrefix`, 'pathPrefix must begin with "/"'));
  if (settings.clearRouteCache) complaints.push(fail(`${at}.clearRouteCache`, 'clearRouteCache is not supported by this mesh'));
  return complaints;
};

const checkService = (service: string | undefined, at: string): Complaint[] => {
  if (!service) return [fail(at, 'service is required')];
  const host = service.slice(service.indexOf('/') + 1);
  const fault = host === '*' ? 'a wildcard is no service' : hostFault(host);
  return fault === undefined ? [] : [fail(`${at}.service`, fault)];
};

const checkStatus = (status: string | undefined, path: string): Complaint[] =>
  status === undefined || /^[1-5]\d\d$/.test(status) ? [] : [fail(path, `"${status.slice(0, 80)}" is not an HTTP status code`)];
