/** ⌘K: go to any page, lab, workload or request by its name. */
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { mesh, tape } from '../live/store.ts';
import { openRequest } from './x-ray.tsx';

const shown = signal(false);
const labs = signal<readonly { readonly id: string; readonly title: string; readonly number: number }[]>([]);

/** Shows the palette. */
export const openPalette = (): void => {
  shown.value = true;
  if (labs.value.length > 0) return;
  fetch('/content/labs.json')
    .then((response) => response.json())
    .then(
      (list) => {
        labs.value = list;
      },
      () => undefined,
    );
};

interface Place {
  readonly label: string;
  readonly kind: string;
  readonly go: () => void;
}

const placesOf = (route: (path: string) => void): readonly Place[] => [
  ...['Mesh /', 'Labs /labs', 'Config /config', 'xDS /xds', 'Conformance /conformance'].map((page) => {
    const [label = '', path = '/'] = page.split(' ');
    return { label, kind: 'page', go: () => route(path) };
  }),
  ...labs.value.map((lab) => ({ label: `${lab.number} ${lab.title}`, kind: 'lab', go: () => route(`/labs/${lab.id}`) })),
  ...[...(mesh.value?.workloads ?? []), ...(mesh.value?.gateways ?? [])].map(({ name }) => ({
    label: name,
    kind: 'proxy',
    go: () => route(`/?proxy=${encodeURIComponent(name)}`),
  })),
  ...tape.value.slice(0, 60).map((exchange) => ({
    label: `${exchange.requestId} ${exchange.reporter} → ${exchange.to}`,
    kind: 'request',
    go: () => openRequest(exchange.requestId),
  })),
];

const useOpeningKey = () =>
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'k' || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      openPalette();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

const Places = ({ places, index, onChoose }: { places: readonly Place[]; index: number; onChoose: (place: Place) => void }) => (
  <>
    <ul>
      {places.map((place, i) => (
        <li key={place.label}>
          <button type="button" class={i === index ? 'chosen' : ''} onClick={() => onChoose(place)}>
            <span>{place.label}</span> <span class="muted small">{place.kind}</span>
          </button>
        </li>
      ))}
    </ul>
    {places.length === 0 ? <p class="empty small">Nothing has that name.</p> : null}
  </>
);

/** The dialog, and the key that opens it. */
export const Palette = () => {
  const { route } = useLocation();
  const [text, setText] = useState('');
  const [index, setIndex] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  useOpeningKey();
  useEffect(() => {
    if (shown.value && dialog.current?.open === false) dialog.current.showModal();
  }, [shown.value]);
  if (!shown.value) return null;
  const close = () => {
    shown.value = false;
    setText('');
    setIndex(0);
  };
  const wanted = text.toLowerCase().trim();
  const places = placesOf(route)
    .filter((place) => `${place.label} ${place.kind}`.toLowerCase().includes(wanted))
    .slice(0, 9);
  const choose = (place: Place | undefined) => {
    if (place === undefined) return;
    close();
    place.go();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') choose(places[index]);
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    setIndex((index + step + places.length) % Math.max(1, places.length));
  };
  return (
    <dialog class="palette" ref={dialog} onClose={close} aria-label="Go to">
      <input
        class="field"
        placeholder="Page, lab, proxy or request id"
        aria-label="Page, lab, proxy or request id"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setIndex(0);
        }}
        onKeyDown={onKeyDown}
      />
      <Places places={places} index={index} onChoose={choose} />
    </dialog>
  );
};
