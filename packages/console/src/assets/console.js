// What the pages do besides being read: refresh, keys, the login by a link. Everything works without it.

/** A code behind `#` logs in at once; it was never sent to any server by being in the link. */
const login = document.getElementById('login');
if (login instanceof HTMLFormElement && location.hash.length > 1) {
  login.elements.namedItem('token').value = location.hash.slice(1);
  history.replaceState(null, '', location.pathname);
  login.submit();
}

/** Live parts are fetched anew with their page and put in place; not while somebody is at work in them. */
const live = [...document.querySelectorAll('[data-live]')];
if (live.length > 0) {
  const pauseMs = 1_000 * Math.min(...live.map((part) => Number(part.dataset.live)));
  const refresh = async () => {
    if (!document.hidden && !document.querySelector('[data-live] :is(input, textarea, select):focus, dialog[open]')) {
      try {
        const answer = await fetch(location.href, { headers: { 'X-Refresh': '1' }, redirect: 'error' });
        if (answer.ok) replaceLiveParts(new DOMParser().parseFromString(await answer.text(), 'text/html'));
        document.body.classList.toggle('stale', !answer.ok);
      } catch {
        document.body.classList.add('stale');
      }
    }
    setTimeout(refresh, pauseMs);
  };
  setTimeout(refresh, pauseMs);
}

function replaceLiveParts(fresh) {
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = fresh.getElementById(part.id);
    if (next === null || next.innerHTML === part.innerHTML) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const place = focused === null ? null : focused.id !== '' ? `#${CSS.escape(focused.id)}` : hrefSelector(focused);
    part.replaceWith(document.adoptNode(next));
    if (place !== null) document.getElementById(next.id)?.querySelector(place)?.focus({ preventScroll: true });
  }
}

function hrefSelector(element) {
  const href = element.getAttribute('href');
  return href === null ? null : `[href="${CSS.escape(href)}"]`;
}

/** On a phone the pages stand in one line, of which some are out of sight. */
document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

document.addEventListener('submit', (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question !== undefined && !confirm(question)) event.preventDefault();
});

let afterG = false;
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest('input, textarea, select, [contenteditable]')) return;
  const { key } = event;
  if (afterG) {
    afterG = false;
    const place = document.querySelector(`nav [data-key="${CSS.escape(key)}"]`);
    if (place !== null) location.assign(place.href);
    return;
  }
  if (key === 'g') afterG = true;
  else if (key === '/') focusOn(event, document.querySelector('form.filters :is(input, select)'));
  else if (key === '?') document.getElementById('keys')?.showModal();
  else if (key === 'j' || key === 'k') moveRow(event, key === 'j' ? 1 : -1);
});

function moveRow(event, by) {
  const links = [...document.querySelectorAll('main tbody tr')].flatMap((row) => row.querySelector('a') ?? []);
  const here = links.findIndex((link) => link.closest('tr').contains(document.activeElement));
  const next = here === -1 ? (by > 0 ? 0 : links.length - 1) : here + by;
  focusOn(event, links[next] ?? null);
}

function focusOn(event, element) {
  if (element === null) return;
  event.preventDefault();
  element.focus();
}
