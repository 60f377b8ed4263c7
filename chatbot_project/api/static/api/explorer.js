window.explorer = SwaggerUIBundle({
  url: "/api/schema",
  dom_id: "#explorer",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
});
