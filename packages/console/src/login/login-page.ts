import { type Html, html } from '../html.ts';
import { page } from '../layout.ts';

/** Asks for a token or a one-time code. A code after `#` is handed in by the script; it never reaches a server's log. */
export function loginPage(refusal: string | null, next: string): Html {
  return page({
    title: 'Log in',
    session: null,
    path: '/admin/login',
    notice: null,
    body: html`
      <section class="card login">
        <div class="brand"><img src="/admin/assets/icon.svg" alt="" width="32" height="32"><h1>Queue console</h1></div>
        ${refusal !== null && html`<p class="notice bad" role="alert">${refusal}</p>`}
        <form method="post" action="/admin/login" id="login">
          <input type="hidden" name="next" value="${next}">
          <label for="token">Token of an admin or venue admin, or a one-time code</label>
          <textarea id="token" name="token" rows="4" required autocomplete="off" spellcheck="false" autofocus></textarea>
          <button class="primary">Log in</button>
        </form>
        <p class="muted">
          The session lasts an hour, or as long as the token does. It is kept in a cookie that only this service can
          read. On a machine of yours, <code>npm start</code> prints links that log in by themselves.
        </p>
      </section>`,
  });
}
