/** The browser app: frame around one page, chosen by the address. */
import { render } from 'preact';
import { ErrorBoundary, LocationProvider, lazy, Route, Router } from 'preact-iso';
import { Header } from './components/header.tsx';
import { Palette } from './components/palette.tsx';
import { Tape } from './components/tape.tsx';
import { openRequestFromAddress, XRay } from './components/x-ray.tsx';
import { wordsOf } from './live/api.ts';
import { closedReason, connection, mesh, openStore } from './live/store.ts';

const MeshPage = lazy(async () => (await import('./pages/mesh.tsx')).MeshPage);
const LabsPage = lazy(async () => (await import('./pages/labs.tsx')).LabsPage);
const LabPage = lazy(async () => (await import('./pages/lab.tsx')).LabPage);
const ConfigPage = lazy(async () => (await import('./pages/config.tsx')).ConfigPage);
const XdsPage = lazy(async () => (await import('./pages/xds.tsx')).XdsPage);
const CertificatesPage = lazy(async () => (await import('./pages/certificates.tsx')).CertificatesPage);
const ConformancePage = lazy(async () => (await import('./pages/conformance.tsx')).ConformancePage);

const Missing = () => (
  <div class="empty">
    <h1>There is no such page</h1>
    <p>
      Go to the <a href="/">mesh</a> or to the <a href="/labs">labs</a>.
    </p>
  </div>
);

const Notices = () => {
  if (connection.value === 'lost')
    return (
      <p class="notice bad banner" role="status">
        The mesh does not answer. If it was stopped, start it again with <code>npm start</code>; this page reconnects by itself.
      </p>
    );
  if (mesh.value === undefined || mesh.value.open) return null;
  return (
    <p class="notice warn banner" role="status">
      {closedReason.value === '' ? 'You are looking, not touching.' : closedReason.value} To change things, open the address that the
      terminal printed.
    </p>
  );
};

const App = () => (
  <LocationProvider>
    <a class="skip" href="#page">
      Skip to the page
    </a>
    <Header />
    <Notices />
    <main id="page" class="page">
      <ErrorBoundary>
        <Router>
          <Route path="/" component={MeshPage} />
          <Route path="/labs" component={LabsPage} />
          <Route path="/labs/:lab" component={LabPage} />
          <Route path="/config" component={ConfigPage} />
          <Route path="/xds" component={XdsPage} />
          <Route path="/certificates" component={CertificatesPage} />
          <Route path="/conformance" component={ConformancePage} />
          <Route default component={Missing} />
        </Router>
      </ErrorBoundary>
    </main>
    <Tape />
    <XRay />
    <Palette />
  </LocationProvider>
);

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
openStore().then(openRequestFromAddress, (error) => {
  connection.value = 'lost';
  closedReason.value = wordsOf(error);
});
