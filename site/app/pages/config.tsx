/** What was asked for: every resource in force, and the editor that changes it. */

import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { StoredResource } from '#api/resource.ts';
import { ApplyPanel } from '../editor/apply-panel.tsx';
import { get, wordsOf } from '../live/api.ts';

const START = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts:
  - reviews
  http:
  - route:
    - destination:
        host: reviews
`;

const keyOf = (resource: StoredResource): string => `${resource.kind}/${resource.namespace}/${resource.name}`;

const Status = ({ resource }: { resource: StoredResource }) => {
  const errors = resource.problems.filter((problem) => problem.severity === 'error').length;
  const warnings = resource.problems.filter((problem) => problem.severity === 'warning').length;
  if (errors > 0) return <span class="chip bad">{errors === 1 ? '1 error' : `${errors} errors`}</span>;
  if (warnings > 0) return <span class="chip warn">{warnings === 1 ? '1 warning' : `${warnings} warnings`}</span>;
  return <span class="chip good">in force</span>;
};

const ResourceList = ({ resources, chosen }: { resources: readonly StoredResource[]; chosen: StoredResource | undefined }) => (
  <ul class="resource-list">
    {resources.map((resource) => (
      <li key={keyOf(resource)}>
        <a href={`/config?resource=${encodeURIComponent(keyOf(resource))}`} aria-current={resource === chosen ? 'true' : undefined}>
          <span>
            <b>{resource.name}</b> <span class="muted small">{resource.namespace}</span>
            <br />
            <span class="small muted">{resource.kind}</span>
          </span>
          <Status resource={resource} />
        </a>
      </li>
    ))}
  </ul>
);

const EditorHead = ({ chosen }: { chosen: StoredResource | undefined }) => (
  <div class="panel-head">
    <h2>{chosen === undefined ? 'A new document' : `${chosen.kind} ${chosen.name}`}</h2>
    <p class="small muted">
      {chosen === undefined
        ? 'Istio and Kubernetes YAML; several documents are parted by ---. Problems show while you type; nothing changes until you apply.'
        : `${chosen.apiVersion}, from ${chosen.file || 'the API'}:${chosen.line}`}
    </p>
  </div>
);

/** Resources on the left, the chosen one in the editor. */
export const ConfigPage = () => {
  const { query, route } = useLocation();
  const [resources, setResources] = useState<readonly StoredResource[] | undefined>(undefined);
  const [error, setError] = useState('');
  const read = () =>
    get<readonly StoredResource[]>('/resources').then(
      (list) => {
        setResources(list);
        setError('');
      },
      (problem) => setError(wordsOf(problem)),
    );
  useEffect(() => {
    read();
  }, []);
  const sorted = [...(resources ?? [])].sort((a, b) => a.kind.localeCompare(b.kind) || a.name.localeCompare(b.name));
  const chosen = sorted.find((resource) => keyOf(resource) === query.resource);
  return (
    <div class="config-page">
      <section class="card resources" aria-label="Resources">
        <div class="row spread panel-head">
          <h1>Config</h1>
          <a class="button" href="/config" aria-current={chosen === undefined ? 'true' : undefined}>
            New
          </a>
        </div>
        {error === '' ? null : <p class="notice bad">{error}</p>}
        {resources?.length === 0 ? <p class="empty small">Nothing is configured yet. Write a document and apply it.</p> : null}
        <ResourceList resources={sorted} chosen={chosen} />
      </section>
      <section class="card editor-card" aria-label="Editor">
        <EditorHead chosen={chosen} />
        <ApplyPanel
          file={chosen?.file.split('/').at(-1) || 'editor.yaml'}
          text={chosen?.yaml ?? START}
          label="YAML"
          canDelete={chosen !== undefined}
          onApplied={(result) => {
            read();
            const gone = result.applied.some((item) => item.outcome === 'deleted' && item.name === chosen?.name);
            if (gone) route('/config');
          }}
        />
      </section>
    </div>
  );
};
