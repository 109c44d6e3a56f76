import { HeaderList } from "../../http/header-list.ts";

/** What a header line of `Headers` may be (fetch.spec.whatwg.org, "header name" and "header value"): others are dropped. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const BAD_VALUE = /[\0\r\n]|[^\0-\xff]/;

/** Header lines as the program sees them: a value is a byte string in either form. */
export function toHeaders(list: HeaderList): Headers {
  const headers = new Headers();
  for (const [name, value] of list) {
    if (NAME.test(name) && !BAD_VALUE.test(value)) headers.append(name, value);
  }
  return headers;
}

/** What a program gave as header lines: names in lower case, in order, several values of a name in one line. */
export function toHeaderList(headers: Headers): HeaderList {
  return HeaderList.from(headers);
}
