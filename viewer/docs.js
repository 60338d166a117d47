// The page /docs: shows the API's own document, logs in, and lets the viewer send requests with the token.
"use strict";

(async () => {
  const BASE = location.pathname.replace(/\/docs\/*$/, ""); // below a stage's path, or a domain's
  const KEY_NEEDED = "api_key_required"; // the code of a stage that asks for a key of its API
  const page = (id) => document.getElementById(id);
  const NAMELESS = { select: "Media type", textarea: "Body of the request", input: "Value" };
  const headers = {}; // what every request gets

  const ask = async (path, body) => {
    const said = { headers: { ...headers, Accept: "application/json" } };
    if (body) Object.assign(said.headers, { "Content-Type": "application/json" });
    const answer = await fetch(BASE + path, body ? { ...said, method: "POST", body: JSON.stringify(body) } : said);
    const told = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(told.detail), { code: told.code });
    return told;
  };

  const tell = (text) => {
    page("told").textContent = text;
  };

  // What the viewer leaves without a name, or out of a keyboard's reach.
  const mend = (api) => {
    for (const field of api.querySelectorAll("select, textarea, input")) {
      if (!field.labels.length && !field.hasAttribute("aria-label")) {
        field.setAttribute("aria-label", field.closest("tr")?.dataset.paramName || field.placeholder || NAMELESS[field.localName]);
      }
    }
    for (const code of api.querySelectorAll("pre:not([tabindex])")) code.tabIndex = 0;
  };

  // There is one server, that of the page: nothing to choose.
  const ours = () => ({ wrapComponents: { ServersContainer: () => () => null } });

  // The viewer fills examples in: those of a key or a cursor would be sent, and mean somebody else's request.
  const forgetExamples = (description) => {
    const routes = Object.values(description.paths).flatMap((path) => [path, ...Object.values(path)]);
    const listed = [...routes.flatMap((route) => route.parameters ?? []), ...Object.values(description.components.parameters ?? {})];
    for (const parameter of listed.filter((each) => ["header", "query"].includes(each.in))) {
      for (const said of [parameter, parameter.schema ?? {}]) {
        delete said.example;
        delete said.examples;
      }
    }
  };

  const show = (description) => {
    forgetExamples(description);
    new MutationObserver(() => mend(page("api"))).observe(page("api"), { childList: true, subtree: true });
    description.servers = [{ url: location.origin + BASE }];
    return SwaggerUIBundle({
      spec: description,
      dom_id: "#api",
      plugins: [ours],
      syntaxHighlight: { activated: false },
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      filter: true,
      tryItOutEnabled: true,
      validatorUrl: null,
      requestInterceptor: (request) => {
        Object.assign(request.headers, headers);
        return request;
      },
    });
  };

  const bearer = (description) =>
    Object.entries(description.components.securitySchemes).find(([, each]) => each.scheme === "bearer")[0];

  const logIn = async (ui, scheme, email, password) => {
    const key = page("key").value;
    if (key) headers["X-Api-Key"] = key;
    tell("Logging in…");
    try {
      const session = await ask("/auth/login", { email, password });
      ui.preauthorizeApiKey(scheme, session.accessToken);
      page("logout").hidden = false;
      tell(`Logged in as ${session.user.email} (${session.user.role}). Requests are sent with this account's token.`);
    } catch (failure) {
      if (failure.code === KEY_NEEDED) page("needs-key").hidden = false;
      tell(`Not logged in: ${failure.message}`);
    }
  };

  // Only a shop on somebody's own machine tells of any.
  const offerAccounts = async (use) => {
    for (const { email, password } of (await ask("/")).accounts ?? []) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `Log in as ${email}`;
      button.addEventListener("click", () => use(email, password));
      page("accounts").append(button);
    }
  };

  try {
    const description = await ask("/openapi.json");
    const ui = show(description);
    const scheme = bearer(description);
    const form = page("login");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      logIn(ui, scheme, page("email").value, page("password").value);
    });
    page("logout").addEventListener("click", () => {
      ui.authActions.logout([scheme]);
      page("logout").hidden = true;
      delete headers["X-Api-Key"];
      tell("The token is forgotten; requests are sent as a guest.");
    });
    await offerAccounts((email, password) => logIn(ui, scheme, email, password));
    tell("Requests are sent as a guest until you log in.");
  } catch (failure) {
    tell(`The page cannot show the API: ${failure.message}`);
  }
})();
