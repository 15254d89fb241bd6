"""What a tenant is protected by, with Microsoft's Graph SDK: methods to prove who one is, strengths, places, terms
of use, and security defaults."""

from kiota_abstractions.method import Method

from names import send
from sdk import body, fields, models

async def methods(table, app, people):
    """What somebody can sign in with, beside the password."""
    own = app.client.users.by_user_id(people[1]["id"]).authentication
    phone = fields(models.PhoneAuthenticationMethod, phone_number="+44 5556667777", phone_type=models.AuthenticationPhoneType.Mobile)
    made = await table.row("POST …/phoneMethods", app.read(own.phone_methods.post(phone)))
    await table.row("GET …/phoneMethods", app.read(own.phone_methods.get()))
    listed = await table.row("GET …/methods", app.read(own.methods.get()))
    kinds = {type(one) for one in listed.value}
    wanted = {models.PhoneAuthenticationMethod, models.MicrosoftAuthenticatorAuthenticationMethod, models.PasswordAuthenticationMethod}
    table.check("each is read as what it is", kinds == wanted, str(kinds))
    one = await table.row("GET …/methods/{id}", app.read(own.methods.by_authentication_method_id(made.id).get()))
    table.check("it has its number", one.phone_number == "+44 5556667777")
    await table.row("DELETE …/phoneMethods/{id}", own.phone_methods.by_phone_authentication_method_id(made.id).delete())
    apps = await table.row("GET …/microsoftAuthenticatorMethods", app.read(own.microsoft_authenticator_methods.get()))
    its = own.microsoft_authenticator_methods.by_microsoft_authenticator_authentication_method_id(apps.value[0].id)
    await table.row("DELETE …/microsoftAuthenticatorMethods/{id}", its.delete())
    left = await own.methods.get()
    table.check("the password stays", [type(one) for one in left.value] == [models.PasswordAuthenticationMethod])


async def my_methods(table, ada):
    """One's own."""
    own = ada.client.me.authentication.methods
    listed = await table.row("GET /me/authentication/methods", ada.read(own.get()))
    await table.row("GET /me/authentication/methods/{id}", ada.read(own.by_authentication_method_id(listed.value[0].id).get()))


async def strengths(table, app):
    """How strong a proof has to be."""
    policies = app.client.policies.authentication_strength_policies
    # The SDK makes nothing of a combination of two, such as "password,sms", so that this one is not compared.
    listed = await table.row("GET /policies/authenticationStrengthPolicies", policies.get())
    table.check("Microsoft's own are there", len(listed.value) == 3)
    modes = models.AuthenticationMethodModes
    wanted = fields(models.AuthenticationStrengthPolicy, display_name="By key", allowed_combinations=[modes.Fido2])
    made = await table.row("POST /policies/authenticationStrengthPolicies", app.read(policies.post(wanted)))
    one = policies.by_authentication_strength_policy_id(made.id)
    kept = await table.row("GET …/{id}", app.read(one.get()))
    table.check("it is a second factor", kept.requirements_satisfied == [models.AuthenticationStrengthRequirements.Mfa])
    await table.row("PATCH …/{id}", one.patch(fields(models.AuthenticationStrengthPolicy, description="A key that one holds")))
    change = one.update_allowed_combinations
    more = [modes.Fido2, modes.WindowsHelloForBusiness]
    changed = await table.row("POST …/updateAllowedCombinations", app.read(change.post(body(change, allowed_combinations=more))))
    table.check("it says what was", changed.previous_combinations == [modes.Fido2], str(changed.previous_combinations))
    usage = await table.row("GET …/usage", app.read(one.usage.get()))
    table.check("no policy uses it", (usage.mfa, usage.none_) == ([], []), f"{usage.mfa} {usage.none_}")
    await table.row("DELETE …/{id}", one.delete())
    combinations = send(app, Method.GET, "/identity/conditionalAccess/authenticationStrength/combinations")
    table.check("all combinations are told", b"fido2" in await table.row("GET …/combinations", combinations))


async def places(table, app):
    """Where somebody may be when they sign in."""
    locations = app.client.identity.conditional_access.named_locations
    ranges = [fields(models.IPv4CidrRange, cidr_address="203.0.113.0/24"), fields(models.IPv6CidrRange, cidr_address="2001:db8::/32")]
    office = fields(models.IpNamedLocation, display_name="Office", is_trusted=True, ip_ranges=ranges)
    made = await table.row("POST /identity/conditionalAccess/namedLocations", app.read(locations.post(office)))
    table.check("it is read as what it is", isinstance(made, models.IpNamedLocation), type(made).__name__)
    home = fields(models.CountryNamedLocation, display_name="Home", countries_and_regions=["DE"], include_unknown_countries_and_regions=False)
    country = await table.row("POST …/namedLocations (country)", app.read(locations.post(home)))
    listed = await table.row("GET …/namedLocations", app.read(locations.get()))
    table.check("both are told", {one.id for one in listed.value} == {made.id, country.id})
    one = locations.by_named_location_id(made.id)
    await table.row("PATCH …/namedLocations/{id}", one.patch(fields(models.IpNamedLocation, display_name="Offices", is_trusted=False)))
    kept = await table.row("GET …/namedLocations/{id}", app.read(one.get()))
    table.check("it is not trusted any more", (kept.display_name, kept.is_trusted) == ("Offices", False))
    await table.row("DELETE …/namedLocations/{id}", one.delete())


async def terms(table, ada):
    """What people have to agree to."""
    agreements = ada.client.identity_governance.terms_of_use.agreements
    data = fields(models.AgreementFileData, data=b"%PDF-")
    file = fields(models.AgreementFileLocalization, file_name="terms.pdf", language="en", is_default=True, file_data=data)
    wanted = fields(models.Agreement, display_name="House rules", is_viewing_before_acceptance_required=True, files=[file])
    made = await table.row("POST /identityGovernance/termsOfUse/agreements", ada.read(agreements.post(wanted)))
    one = agreements.by_agreement_id(made.id)
    await table.row("PATCH …/agreements/{id}", one.patch(fields(models.Agreement, display_name="Rules")))
    kept = await table.row("GET …/agreements/{id}", ada.read(one.get()))
    table.check("it has its new name", kept.display_name == "Rules")
    await table.row("GET …/agreements", ada.read(agreements.get()))
    accepted = await table.row("GET …/agreements/{id}/acceptances", ada.read(one.acceptances.get()))
    table.check("nobody was asked", accepted.value == [])
    await table.row("DELETE …/agreements/{id}", one.delete())


async def defaults(table, app):
    """Microsoft's recommendations as a whole, on and off again: with them on nobody has a policy of their own."""
    policy = app.client.policies.identity_security_defaults_enforcement_policy
    for is_enabled in (True, False):
        change = fields(models.IdentitySecurityDefaultsEnforcementPolicy, is_enabled=is_enabled)
        await table.row(f"PATCH …/identitySecurityDefaultsEnforcementPolicy {is_enabled}", policy.patch(change))
        kept = await policy.get()
        table.check("it is so", kept.is_enabled is is_enabled)
