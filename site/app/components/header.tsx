/** The top line: is the mesh well, how much goes through it, and where one is. */
import { useLocation } from 'preact-iso';
import { connection, figures, mesh, state } from '../live/store.ts';
import { milliseconds } from '../live/words.ts';
import { openPalette, PALETTE_KEY } from './palette.tsx';
import { theme, toggleTheme } from './theme.ts';

const TABS = [
  { path: '/labs', label: 'Labs' },
  { path: '/', label: 'Mesh' },
  { path: '/config', label: 'Config' },
  { path: '/xds', label: 'xDS' },
  { path: '/conformance', label: 'Conformance' },
];

const health = (): { tone: string; words: string } => {
  if (connection.value === 'lost') return { tone: 'bad', words: 'no connection' };
  const proxies = state.value?.proxies;
  if (proxies === undefined) return { tone: 'muted', words: 'connecting' };
  if (!proxies.controlPlane) return { tone: 'bad', words: 'control plane away' };
  const count = `${proxies.connected}/${proxies.expected} proxies`;
  return proxies.connected >= proxies.expected ? { tone: 'good', words: `healthy ${count}` } : { tone: 'warn', words: count };
};

const Figure = ({ value, label, href }: { value: string; label: string; href: string }) => (
  <a class="figure" href={href}>
    <b>{value}</b> <span>{label}</span>
  </a>
);

/** Name, figures, tabs. */
export const Header = () => {
  const { path } = useLocation();
  const { tone, words } = health();
  const now = figures.value;
  const active = (tab: string) => (tab === '/' ? path === '/' : path.startsWith(tab));
  return (
    <header class="header">
      <div class="header-line">
        <a class="brand" href="/">
          <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
            <path d="M15 3v17H5z" class="sail-1" />
            <path d="M17 7v13h9z" class="sail-2" />
            <path d="M3 22h26l-4 6H7z" class="hull" />
          </svg>
          Dinghy
        </a>
        <a class={`health ${tone}`} href="/xds">
          <span class="lamp" aria-hidden="true" />
          {words}
        </a>
        <Figure value={now === undefined ? '–' : String(now.rate)} label="req/s" href="/" />
        <Figure value={now === undefined || now.rate === 0 ? '–' : milliseconds(now.p99Ms)} label="p99" href="/" />
        <span class="header-end">
          {mesh.value === undefined ? null : (
            <span class="chip">
              {mesh.value.mode} mode · {mesh.value.dataPlane} data plane
            </span>
          )}
          <button type="button" class="button quiet" onClick={openPalette}>
            Go to <kbd>{PALETTE_KEY}</kbd>
          </button>
          <button type="button" class="button quiet" onClick={toggleTheme}>
            {theme.value === 'dark' ? 'Light' : 'Dark'}
            <span class="hidden-text"> theme</span>
          </button>
        </span>
      </div>
      <nav class="tabs" aria-label="Pages">
        {TABS.map((tab) => (
          <a key={tab.path} href={tab.path} aria-current={active(tab.path) ? 'page' : undefined}>
            {tab.label}
          </a>
        ))}
      </nav>
    </header>
  );
};
